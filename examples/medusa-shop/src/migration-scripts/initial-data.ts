import { ExecArgs, MedusaContainer } from "@medusajs/framework/types"
import { ContainerRegistrationKeys, Modules } from "@medusajs/framework/utils"
import {
  createApiKeysWorkflow,
  createRegionsWorkflow,
  createSalesChannelsWorkflow,
  createUserAccountWorkflow,
  linkSalesChannelsToApiKeyWorkflow,
} from "@medusajs/medusa/core-flows"

const SALES_CHANNEL = "Default Sales Channel"
const API_KEY = "Default Publishable API Key"
const REGION = "Europe"

/**
 * What an empty shop needs before anyone can use it. Medusa runs it once per database, in `medusa db:migrate`;
 * each part looks first whether it is there, so that a run that was cut short can be repeated.
 */
export default async function initialData({ container }: ExecArgs) {
  const channel = await ensureSalesChannel(container)
  await ensurePublishableKey(container, channel)
  await ensureRegion(container)
  await ensureAdmin(container)
}

async function ensureSalesChannel(container: MedusaContainer): Promise<string> {
  const [existing] = await container.resolve(Modules.SALES_CHANNEL).listSalesChannels({ name: SALES_CHANNEL })
  if (existing) {
    return existing.id
  }
  const { result } = await createSalesChannelsWorkflow(container).run({
    input: { salesChannelsData: [{ name: SALES_CHANNEL }] },
  })
  return result[0].id
}

async function ensurePublishableKey(container: MedusaContainer, channel: string) {
  const [existing] = await container.resolve(Modules.API_KEY).listApiKeys({ title: API_KEY, type: "publishable" })
  const key =
    existing ??
    (
      await createApiKeysWorkflow(container).run({
        input: { api_keys: [{ title: API_KEY, type: "publishable", created_by: "" }] },
      })
    ).result[0]
  await linkSalesChannelsToApiKeyWorkflow(container).run({ input: { id: key.id, add: [channel] } })
}

async function ensureRegion(container: MedusaContainer) {
  const [existing] = await container.resolve(Modules.REGION).listRegions({ name: REGION })
  if (!existing) {
    await createRegionsWorkflow(container).run({
      input: {
        regions: [
          {
            name: REGION,
            currency_code: "eur",
            countries: ["de", "dk", "fr", "it", "es", "se"],
            payment_providers: ["pp_system_default"],
          },
        ],
      },
    })
  }
}

/** The first user of the admin, from USER_INITIAL_EMAIL and USER_INITIAL_PASSWORD; none when they are not set. */
async function ensureAdmin(container: MedusaContainer) {
  const logger = container.resolve(ContainerRegistrationKeys.LOGGER)
  const email = process.env.USER_INITIAL_EMAIL
  const password = process.env.USER_INITIAL_PASSWORD
  if (!email || !password) {
    logger.info("USER_INITIAL_EMAIL and USER_INITIAL_PASSWORD are not set: no admin user is made.")
    return
  }
  const [existing] = await container.resolve(Modules.USER).listUsers({ email })
  if (existing) {
    return
  }
  const auth = container.resolve(Modules.AUTH)
  const { authIdentity, error } = await auth.register("emailpass", { body: { email, password } })
  if (!authIdentity) {
    throw new Error(`The admin user could not be made: ${error}`)
  }
  await createUserAccountWorkflow(container).run({
    input: { authIdentityId: authIdentity.id, userData: { email } },
  })
  logger.info(`The admin user ${email} was made.`)
}

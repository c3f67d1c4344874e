// Medusa's engine within Node: @medusajs/workflows-sdk, without persistence. Workflows without a store, a timeout or
// asynchronous steps are kept in memory alone, which is how Medusa runs most of its own.
//
// Usage: node medusa_engine.cjs, with its packages on NODE_PATH; told what to do as telling.py describes.

const fs = require("node:fs")
const readline = require("node:readline")
const { createStep, createWorkflow, StepResponse, WorkflowResponse } = require("@medusajs/workflows-sdk")

const STEPS = 10

const addOne = createStep("add-one", async (value) => new StepResponse(value + 1))

const tenSteps = createWorkflow("ten-steps", (input) => {
  let value = addOne(input)
  for (let number = 2; number <= STEPS; number += 1) {
    value = addOne(value).config({ name: `add-one-${number}` })
  }
  return new WorkflowResponse(value)
})

async function run(number) {
  const { result } = await tenSteps.run({ input: number })
  if (result !== number + STEPS) {
    throw new Error(`${number} and ${STEPS} steps made ${result}`)
  }
}

const actions = {
  async many({ executions, repeats }) {
    const begun = process.hrtime.bigint()
    for (let round = 0; round < repeats; round += 1) {
      await Promise.all(Array.from({ length: executions }, (_, number) => run(number)))
    }
    return { count: executions * STEPS * repeats, seconds: Number(process.hrtime.bigint() - begun) / 1e9 }
  },

  async alone({ executions }) {
    const begun = process.hrtime.bigint()
    for (let number = 0; number < executions; number += 1) {
      await run(number)
    }
    return { count: executions * STEPS, seconds: Number(process.hrtime.bigint() - begun) / 1e9 }
  },
}

const answer = (value) => fs.writeSync(1, `${JSON.stringify(value)}\n`)

async function main() {
  answer({ ready: process.pid })
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { do: action, ...values } = JSON.parse(line)
    answer(await actions[action](values))
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)

import { AuthenticatedMedusaRequest, MedusaResponse } from "@medusajs/framework/http"
import { MedusaError } from "@medusajs/framework/utils"

import { BRAND_MODULE } from "../../../modules/brand"
import BrandModuleService from "../../../modules/brand/service"

// Medusa guards everything below /admin.
export async function GET(request: AuthenticatedMedusaRequest, response: MedusaResponse) {
  const service: BrandModuleService = request.scope.resolve(BRAND_MODULE)
  const [brands, count] = await service.listAndCountBrands()
  response.json({ brands, count })
}

export async function POST(request: AuthenticatedMedusaRequest<{ name?: unknown }>, response: MedusaResponse) {
  const { name } = request.body
  if (typeof name !== "string" || !name.trim()) {
    throw new MedusaError(MedusaError.Types.INVALID_DATA, "name: a text that is not empty")
  }
  const service: BrandModuleService = request.scope.resolve(BRAND_MODULE)
  const brand = await service.createBrands({ name: name.trim() })
  response.status(201).json({ brand })
}

import { MedusaRequest, MedusaResponse } from "@medusajs/framework/http"

import { BRAND_MODULE } from "../../modules/brand"
import BrandModuleService from "../../modules/brand/service"
import { MESSAGE } from "./message"

// Outside of /store, so no publishable key is asked for.
export async function GET(request: MedusaRequest, response: MedusaResponse) {
  const brands: BrandModuleService = request.scope.resolve(BRAND_MODULE)
  const [, count] = await brands.listAndCountBrands()
  response.json({ message: MESSAGE, brands: count })
}

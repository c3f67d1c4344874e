// Uses a running shop as its owner and as a customer would:
//   USER_INITIAL_EMAIL=... USER_INITIAL_PASSWORD=... node scripts/smoke.mjs http://127.0.0.1:9000
import assert from "node:assert/strict"

const shop = process.argv[2] ?? "http://127.0.0.1:9000"
const title = `Smoke test ${process.pid}`

async function call(method, path, { headers, body, status = 200 } = {}) {
  const response = await fetch(`${shop}${path}`, {
    method,
    headers: { "content-type": "application/json", ...headers },
    body: body && JSON.stringify(body),
  })
  const text = await response.text()
  assert.equal(response.status, status, `${method} ${path}: ${response.status} ${text}`)
  return JSON.parse(text)
}

const { message } = await call("GET", "/greeting")
assert.equal(typeof message, "string")
await call("GET", "/admin/products", { status: 401 })

const { token } = await call("POST", "/auth/user/emailpass", {
  body: { email: process.env.USER_INITIAL_EMAIL, password: process.env.USER_INITIAL_PASSWORD },
})
const owner = { authorization: `Bearer ${token}` }
const { sales_channels: channels } = await call("GET", "/admin/sales-channels", { headers: owner })
const { product } = await call("POST", "/admin/products", {
  headers: owner,
  body: {
    title,
    status: "published",
    options: [{ title: "Size", values: ["One"] }],
    sales_channels: [{ id: channels[0].id }],
    variants: [
      { title: "One", options: { Size: "One" }, manage_inventory: false, prices: [{ currency_code: "eur", amount: 12 }] },
    ],
  },
})
try {
  const { api_keys: keys } = await call("GET", "/admin/api-keys?type=publishable", { headers: owner })
  const customer = { "x-publishable-api-key": keys[0].token }
  const found = await call("GET", `/store/products/${product.id}?fields=title`, { headers: customer })
  assert.equal(found.product.title, title)
} finally {
  await call("DELETE", `/admin/products/${product.id}`, { headers: owner })
}
console.log(`${shop} says "${message}"; a product was made, seen by a customer, and removed.`)

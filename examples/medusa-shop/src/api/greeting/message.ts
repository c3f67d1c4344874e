export const MESSAGE = "Welcome to the medusa-shop"

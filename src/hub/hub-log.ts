/** What the hub needs of a logger; pino's fits. Facts never hold a key or any other secret. */
export interface HubLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** A new Idempotency-Key. It need not be secret, only never the same twice for one person: no `crypto` needed. */
export function newKey(): string {
  const random = () => Math.random().toString(36).slice(2, 13);
  return `${Date.now().toString(36)}-${random()}-${random()}`;
}

/** Whether the API takes it: visible ASCII, 1 to 64 characters. */
export function isKey(key: string): boolean {
  return /^[!-~]{1,64}$/.test(key);
}

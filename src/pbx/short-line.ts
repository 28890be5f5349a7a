/** Whatever somebody typed into a PBX, as one short line. */
export function shortLine(value: string): string {
  return value.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 80)
}

/** `1 door`, `2 doors`; with words of its own where an s is not all: `1 row needs`, `2 rows need`. */
export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`
}

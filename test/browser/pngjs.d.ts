/** The little of pngjs that the browser tests use; the package brings no types. */
declare module 'pngjs' {
  export const PNG: {
    readonly sync: {
      read(image: Buffer): { readonly width: number; readonly height: number; readonly data: Buffer }
    }
  }
}

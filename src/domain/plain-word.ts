/** What means the same in the files and commands of every PBX: nothing of it ends a value, a line or a name. */
export const plainWord = /^[A-Za-z0-9._-]{1,64}$/

/** A full path of this kind. */
export const plainPath = /^\/[A-Za-z0-9._/+@-]+$/

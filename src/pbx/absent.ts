import { nothingSeen } from '../domain/outliving.ts'
import { AppError } from '../errors.ts'
import { manualAbilities } from './manual.ts'
import type { PbxDriver } from './pbx-driver.ts'

/**
 * A PBX that left the settings while people still hold extensions on it. Nothing is known of it and nothing is deleted: its
 * doors show as not reachable until it is named again, or until a person does its steps.
 */
export function absentDriver({ name }: { readonly name: string }): PbxDriver {
  const refuse = async () => {
    throw new AppError('PBX_UNREACHABLE', `PBX ${name} is not among the settings any more`, {
      hint: `name it again with RINGFENCE_PBX2_NAME=${name} (any number that is free); with RINGFENCE_PBX2=manual a person does the steps on it`,
      retryable: true,
    })
  }
  return {
    kind: 'absent',
    abilities: { ...manualAbilities, readBack: true },
    describe: refuse,
    outliving: nothingSeen,
    readAccounts: refuse,
    applyAccounts: refuse,
  }
}

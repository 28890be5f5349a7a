import type { FreepbxFaults } from './fake-freepbx-faults.ts'

/**
 * "Apply Config" of FreePBX (FreePBX/framework, Api/Gql/Modules.php and Console/Reload.class.php): begun by one question,
 * its end told by another, and a mark that something waits for it. One that ends takes the mark away, also of what was
 * changed while it ran.
 */
export function fakeApplyConfig({ faults, apply }: { readonly faults: FreepbxFaults; readonly apply: () => void }) {
  const transactions = new Map<string, Transaction>()
  let mostAtOnce = 0
  let isMarked = false
  const underWay = () => [...transactions.values()].filter(({ isOver }) => !isOver)
  const succeeded = (message: string) => ({ status: true, message })

  /** Each look takes it a step further. */
  function goOn(transaction: Transaction): void {
    transaction.looks++
    if (transaction.isOver || transaction.looks < 2 || faults.reloadNeverEnds) return
    transaction.isOver = true
    if (transaction.end !== 'Executed') return
    isMarked = false
    if (!transaction.keepsOld) apply()
  }

  return {
    /** Told of every question. */
    note(field: string): void {
      if (marking.has(field)) isMarked = true
    },
    /** How many ran at the same time at most. */
    mostAtOnce: () => mostAtOnce,
    fields: {
      doreload: () => {
        const id = String(transactions.size + 1)
        const end = faults.reloadFails ? 'Failed' : 'Executed'
        transactions.set(id, { looks: 0, isOver: false, keepsOld: faults.reloadKeepsOld, end })
        mostAtOnce = Math.max(mostAtOnce, underWay().length)
        return { ...succeeded('Doreload/apply config has been initiated.'), transaction_id: id }
      },
      fetchNeedReload: () => {
        for (const transaction of underWay()) goOn(transaction)
        return succeeded(isMarked ? 'Doreload is required' : 'Doreload is not required')
      },
      fetchApiStatus: ({ txnId }: Record<string, unknown>) => {
        const transaction = transactions.get(String(txnId))
        if (!transaction) return { ...succeeded('Sorry unable to fetch the status'), details: null }
        goOn(transaction)
        if (!transaction.isOver) return { ...succeeded('Processing'), details: null }
        return { ...succeeded(transaction.end), details: transaction.end === 'Failed' ? 'exit 1' : '' }
      },
    },
  }
}

/** After these something waits. */
const marking = new Set(['addExtension', 'updateExtension', 'deleteExtension', 'updateCoreUser'])

interface Transaction {
  looks: number
  isOver: boolean
  readonly keepsOld: boolean
  readonly end: string
}

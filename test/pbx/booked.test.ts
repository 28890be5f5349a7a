import { bookedContract } from './booked.contract.ts'
import { threeCxBench } from './three-cx-bench.ts'
import { yeastarBench } from './yeastar-bench.ts'

bookedContract('a 3CX that pretends', threeCxBench)
bookedContract('a Yeastar that pretends', yeastarBench)

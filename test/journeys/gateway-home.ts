import type { EmployeeView, Onboarded } from '../../src/journeys/application.ts'
import { person, tokenIn, type World } from './world.ts'

export const soon = () => AbortSignal.timeout(1_000)
export const macs = ['805ec0aabb01', '805ec0aabb02', '805ec0aabb03'] as const
export const yealink = (place: number) => `yealink-t54w=${macs[place]}`

export const ida = (...phones: number[]) => ({
  ...person('Ida Nowak', '1030', ...phones.map(yealink)),
  gateway: 'openwrt',
})
export const ben = (...phones: number[]) => ({ ...person('Ben Li', '1031', ...phones.map(yealink)), gatewayOf: '1030' })

export async function pageOf(world: World, { invite }: Onboarded) {
  const view = (await world.app.join(tokenIn(invite.url)))!
  return view.gateways[0]!
}
/** What the installer downloads, and what stands in it. */
export async function scriptOf(world: World, made: Onboarded) {
  const { script } = await pageOf(world, made)
  const file = await world.app.joinTunnel(tokenIn(made.invite.url), script!.fileName)
  const text = file!.body
  const link = (folder: string) =>
    new RegExp(`https://phones\\.example\\.com/${folder}/([A-Za-z0-9_-]{43})`).exec(text)![1]!
  return { text, phones: `https://phones.example.com/p/${link('p')}/`, keyToken: link('k') }
}
export const admitted = async (world: World) => (await world.hub.readFirewall(soon())).admitted
export const lineOf = ({ access }: EmployeeView, system: string, wanted: string) =>
  access.filter((line) => line.system === system && line.wanted === wanted)

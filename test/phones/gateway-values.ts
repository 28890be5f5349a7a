import { Secret } from '../../src/domain/secret.ts'
import type { GatewayScriptValues } from '../../src/phones/phone-port.ts'

/** Ida's home: two phones behind one gateway, with all that a script can say. */
export function gatewayValues(changes: Partial<GatewayScriptValues> = {}): GatewayScriptValues {
  return {
    tunnelAddresses: ['10.77.0.40/32'],
    allowedIps: ['10.91.0.2/32', '10.77.0.1/32', '10.91.0.3/32'],
    hubEndpoint: 'vpn.example.com:51820',
    phoneSubnets: ['10.78.0.16/28'],
    reservations: [
      { mac: '001565a1b2c3', address: '10.78.0.18', model: 'yealink-t54w' },
      { mac: '000b82a1b2c4', address: '10.78.0.19', model: 'grandstream-grp2614' },
    ],
    door: {
      host: 'phones.example.com',
      port: 8443,
      addresses: ['203.0.113.5', '203.0.113.6'],
      phonesUrl: new Secret('https://phones.example.com:8443/p/DoorTokenOfTheGateway/'),
    },
    pbx: {
      host: 'pbx.example.com',
      address: '10.91.0.2',
      sipAddress: '10.91.0.2',
      ports: [5061, 5062],
      rtpFrom: 10_000,
      rtpTo: 20_000,
    },
    timeServer: '10.91.0.3',
    hubPublicKey: 'aHViaHViaHViaHViaHViaHViaHViaHViaHViaHViaHU=',
    presharedKey: new Secret('cHNrcHNrcHNrcHNrcHNrcHNrcHNrcHNrcHNrcHNrcHM='),
    keyUrl: new Secret('https://phones.example.com:8443/k/KeyTokenOfTheGateway'),
    ...changes,
  }
}

export const anotherPresharedKey = new Secret('b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q=')

/** The kinds that a script sets up. */
export const scriptKinds = ['gateway-mikrotik', 'gateway-networkd', 'gateway-openwrt'] as const

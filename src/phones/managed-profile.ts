/**
 * An Apple configuration profile with a WireGuard tunnel in it, for a managed iPhone, iPad or Mac (WireGuard/wireguard-apple
 * MOBILECONFIG.md). It holds the private key. On-demand rules are left out: nobody tried them together with this app.
 */
import { createHash } from 'node:crypto'
import { markupText } from '../domain/markup.ts'
import { Secret } from '../domain/secret.ts'
import type { ManagedProfile } from './phone-port.ts'

/** Bundle identifiers of the app. */
const apps = { ios: 'com.wireguard.ios', macos: 'com.wireguard.macos' } as const

export function managedProfile(profile: ManagedProfile): Secret {
  const { tunnelId, name, organization, platform, hubEndpoint, configuration } = profile
  const identifier = `ringfence.tunnel.${tunnelId}`
  const title = markupText(`${name} (${organization})`)
  return new Secret(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>PayloadDisplayName</key><string>${title}</string>
  <key>PayloadType</key><string>Configuration</string>
  <key>PayloadVersion</key><integer>1</integer>
  <key>PayloadIdentifier</key><string>${identifier}</string>
  <key>PayloadUUID</key><string>${uuidOf(`${identifier}.profile`)}</string>
  <key>PayloadContent</key>
  <array>
    <dict>
      <key>PayloadDisplayName</key><string>VPN</string>
      <key>PayloadType</key><string>com.apple.vpn.managed</string>
      <key>PayloadVersion</key><integer>1</integer>
      <key>PayloadIdentifier</key><string>${identifier}.wireguard</string>
      <key>PayloadUUID</key><string>${uuidOf(`${identifier}.wireguard`)}</string>
      <key>UserDefinedName</key><string>${markupText(name)}</string>
      <key>VPNType</key><string>VPN</string>
      <key>VPNSubType</key><string>${apps[platform]}</string>
      <key>VendorConfig</key>
      <dict>
        <key>WgQuickConfig</key><string>${markupText(configuration.reveal())}</string>
      </dict>
      <key>VPN</key>
      <dict>
        <key>RemoteAddress</key><string>${markupText(hubEndpoint)}</string>
        <key>AuthenticationMethod</key><string>Password</string>
      </dict>
    </dict>
  </array>
</dict>
</plist>
`)
}

/** The same tunnel gives the same one (RFC 9562 section 5.8, version 8), so that a device replaces the profile it has. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ]
    .join('-')
    .toUpperCase()
}

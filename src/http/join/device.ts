import { type Device, devices } from '../../journeys/join-view.ts'

/** A hint for what comes first on the page, never a gate: an iPad says that it is a Mac, and every way stays open. */
export function deviceOf(userAgent: string | null, wanted: string | null): Device | null {
  const chosen = devices.find((device) => device === wanted)
  if (chosen) return chosen
  const text = userAgent ?? ''
  if (/iPhone|iPad|iPod/.test(text)) return 'ios'
  if (/Android/.test(text)) return 'android'
  if (/Macintosh|Mac OS X/.test(text)) return 'macos'
  if (/Windows/.test(text)) return 'windows'
  return /Linux|X11|CrOS/.test(text) ? 'linux' : null
}

/**
 * Where the WireGuard app is to be had. wireguard.com/install has them all; the numbers of Apple's store and the package
 * name are the ones that a dozen open projects link to (id1441195209 for iOS, id1451685025 for macOS), and
 * com.wireguard.android is the package of WireGuard/wireguard-android.
 */
export const wireguardStores: Readonly<Record<Device, string>> = {
  ios: 'https://apps.apple.com/app/wireguard/id1441195209',
  android: 'https://play.google.com/store/apps/details?id=com.wireguard.android',
  macos: 'https://apps.apple.com/app/wireguard/id1451685025',
  windows: 'https://download.wireguard.com/windows-client/wireguard-installer.exe',
  linux: 'https://www.wireguard.com/install/',
}

export const wireguardEverywhere = 'https://www.wireguard.com/install/'

import { randomBytes } from 'node:crypto'

/** RFC 4568: the media key travels in the (encrypted) SIP message. Port 9 discards what is sent there. */
export function offer(address: string): string {
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    'm=audio 9 RTP/SAVP 8',
    'a=rtpmap:8 PCMA/8000',
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${randomBytes(30).toString('base64')}`,
    'a=sendrecv',
    '',
  ].join('\r\n')
}

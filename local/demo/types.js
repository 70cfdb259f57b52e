/**
 * The page's types. The API's types are the client's.
 *
 * @typedef {import('./client.js').Connection} Connection
 * @typedef {import('./client.js').ConnectionStatus} ConnectionStatus
 * @typedef {import('./client.js').Provider} Provider
 * @typedef {import('./client.js').Session} Session
 * @typedef {import('./client.js').SessionFailure} SessionFailure
 * @typedef {import('./client.js').SessionStatus} SessionStatus
 *
 * @typedef {{ name: string, imitates: string, source: string, group: string, on: boolean }} Scenario
 *
 * The color of a notice or badge.
 *
 * @typedef {'good' | 'wait' | 'warn' | 'bad' | 'off'} Tone
 *
 * @typedef {{ tone: Tone, title: string, text: string }} Words
 *
 * One call of this page, without body, query, token or code.
 * @typedef {{ to: 'API' | 'Terra' | 'Issuer', method: string, path: string, status: number, ms: number }} Call
 */
export {};

/**
 * The shapes the page works with; the API's are the client's.
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
 * How something looks: a colour that always comes with words.
 * @typedef {'good' | 'wait' | 'warn' | 'bad' | 'off'} Tone
 *
 * @typedef {{ tone: Tone, title: string, text: string }} Words
 *
 * One call this page made. Never a body, a query, a token or a code.
 * @typedef {{ to: 'API' | 'Terra' | 'Issuer', method: string, path: string, status: number, ms: number }} Call
 */
export {};

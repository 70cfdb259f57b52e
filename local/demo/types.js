/**
 * The shapes the page works with. The API's are those of `functions/routes.ts`.
 *
 * @typedef {'unconfirmed' | 'connected' | 'error' | 'disconnecting' | 'disconnected'} ConnectionStatus
 *
 * @typedef {object} Connection
 * @property {string} id
 * @property {string} provider
 * @property {ConnectionStatus} status
 * @property {string} [reason]
 * @property {string} [terraUserId]
 * @property {string[]} scopes
 * @property {string} [connectedAt]
 * @property {string} [lastDataAt]
 * @property {'confirm' | 'reconnect'} [needsAction]
 * @property {string} updatedAt
 * @property {number} version
 *
 * @typedef {'pending' | 'returned' | 'completed' | 'failed' | 'expired' | 'rejected'} SessionStatus
 *
 * @typedef {object} Session
 * @property {string} id
 * @property {'widget' | 'direct'} flow
 * @property {SessionStatus} status
 * @property {string} [provider]
 * @property {string} [url]
 * @property {string} expiresAt
 * @property {string} [connectionId]
 * @property {string} [failure]
 *
 * @typedef {{ id: string, name: string, icon?: string, kind: 'web' | 'sdk' }} Provider
 *
 * @typedef {{ token: string, referenceId: string, expiresIn: number, expiresAt: string }} Minted
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

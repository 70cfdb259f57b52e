/** The typed client, served as `client.js` by the local stack. */
export * from '../../client/index';

/** The typed client, which the local stack serves beside this page as `client.js`. */
export * from '../../client/index';

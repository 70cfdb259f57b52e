/**
 * The tab's memory while the browser is at Terra: the signed-in user and the opened session. Never a token or a code.
 *
 * @typedef {{ id: string, startedBy?: string | undefined, redeemed?: boolean }} OpenAttempt
 */

const keys = { user: 'terra-connect.user', people: 'terra-connect.people', attempt: 'terra-connect.attempt' };
const usualPeople = ['alice', 'bob'];
const MOST_PEOPLE = 4;

export const remembered = {
  /** @returns {string | undefined} */
  user: () => sessionStorage.getItem(keys.user) ?? undefined,
  /** @param {string | undefined} name */
  setUser(name) {
    if (name === undefined) return sessionStorage.removeItem(keys.user);
    sessionStorage.setItem(keys.user, name);
    const others = remembered.people().filter(known => known !== name && !usualPeople.includes(known));
    const guests = usualPeople.includes(name) ? others : [name, ...others];
    write(keys.people, guests.slice(0, MOST_PEOPLE - usualPeople.length));
  },
  /** The users offered for sign-in. @returns {string[]} */
  people: () => [...usualPeople, ...(read(keys.people) ?? [])],
  /** @returns {OpenAttempt | undefined} */
  attempt: () => read(keys.attempt),
  /** @param {OpenAttempt | undefined} attempt */
  setAttempt(attempt) {
    if (attempt === undefined) sessionStorage.removeItem(keys.attempt);
    else write(keys.attempt, attempt);
  },
};

/** @param {string} key */
function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} key
 * @param {unknown} value
 */
function write(key, value) {
  sessionStorage.setItem(key, JSON.stringify(value));
}

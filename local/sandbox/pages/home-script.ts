/**
 * Runs in the browser and refreshes the home page through the control API. Everything is inserted as text, never as
 * markup.
 */
export const homeScript = `
const call = async (method, path, body) => {
  const response = await fetch('/sandbox/' + path, { method, body: body && JSON.stringify(body) });
  return response.json();
};
const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};
const byId = id => document.getElementById(id);
const timeOf = at => new Date(at).toLocaleTimeString();

function showScenarios(scenarios) {
  for (const { name, on } of scenarios) {
    const box = document.querySelector('[data-scenario="' + name + '"]');
    if (box && document.activeElement !== box) box.checked = on;
  }
  for (const group of document.querySelectorAll('details.group')) {
    const boxes = [...group.querySelectorAll('[data-scenario]')];
    const on = boxes.filter(box => box.checked).length;
    const count = group.querySelector('.count');
    count.textContent = on > 0 ? on + ' on' : String(boxes.length);
    count.classList.toggle('on', on > 0);
  }
}

let userEvents = [];
function userRow(user) {
  const row = make('div', 'row');
  const about = make('div', 'grow');
  const title = make('div');
  title.append(make('b', '', user.provider), make('span', 'soft', '  ' + (user.reference_id ?? 'no reference id')));
  about.append(title, make('div', 'soft small', user.account));
  const id = make('div', 'soft small');
  id.append(make('code', '', user.user_id));
  about.append(id);
  const badge = make('span', user.active ? 'badge good' : 'badge bad', user.active ? 'active' : 'revoked');
  const select = make('select');
  select.setAttribute('aria-label', 'Event to send for this user');
  for (const { name, says } of userEvents) {
    const option = make('option', '', name);
    option.value = name;
    option.title = says;
    select.append(option);
  }
  const send = make('button', '', 'Send event');
  send.addEventListener('click', async () => {
    await call('POST', 'users/' + user.user_id + '/events', { event: select.value });
    await refresh();
  });
  row.append(badge, about, select, send);
  return row;
}

let shownUsers = '';
function showUsers(users) {
  const now = JSON.stringify(users);
  if (now === shownUsers) return;
  shownUsers = now;
  const rows = users.map(userRow);
  byId('users').replaceChildren(...(rows.length > 0 ? rows : [make('p', 'empty', 'No users yet. Connect one through your app, or try the widget.')]));
}

const good = ['delivered'];
const bad = ['gave_up', 'lost', 'disabled'];
function badgeFor(entry) {
  if (entry.kind === 'delivery') {
    const tone = good.includes(entry.state) ? ' good' : bad.includes(entry.state) ? ' bad' : ' warn';
    return make('span', 'badge' + tone, entry.state.replace('_', ' '));
  }
  const failed = typeof entry.result !== 'number' || entry.result >= 400;
  return make('span', 'badge' + (failed ? ' bad' : ' good'), String(entry.result));
}

function detailsOf(entry) {
  if (entry.kind === 'request') return { sent: entry.sent, notes: entry.notes, ms: entry.ms };
  const { body, attempts, traceId, reference, userId, nextAttemptAt } = entry;
  let event = body;
  if (body.length < 20000) try { event = JSON.parse(body); } catch {}
  else event = body.slice(0, 400) + ' … ' + body.length + ' characters';
  return { event, attempts, traceId, reference, userId, nextAttemptAt };
}

const opened = new Set();
function historyRow(entry) {
  const row = make('details', 'entry');
  const summary = make('summary');
  const what = entry.kind === 'request' ? entry.method + ' ' + entry.path.split('?')[0] : 'webhook ' + entry.type;
  summary.append(badgeFor(entry), make('span', 'what', what));
  if (entry.notes?.length) summary.append(make('span', 'soft small', entry.notes.join('; ')));
  if (entry.attempts?.length > 1) summary.append(make('span', 'soft small', entry.attempts.length + ' attempts'));
  summary.append(make('time', '', timeOf(entry.at)));
  row.append(summary, make('pre', '', JSON.stringify(detailsOf(entry), null, 2)));
  row.open = opened.has(entry.seq);
  row.addEventListener('toggle', () => (row.open ? opened.add(entry.seq) : opened.delete(entry.seq)));
  return row;
}

let shownHistory = '';
function showHistory(history) {
  const newest = history.slice(-60).reverse();
  const now = JSON.stringify(newest.map(({ seq, state, attempts }) => [seq, state, attempts?.length]));
  if (now === shownHistory) return;
  shownHistory = now;
  byId('history').replaceChildren(...(newest.length > 0 ? newest.map(historyRow) : [make('p', 'empty', 'No entries yet. Every API request and every webhook appears here.')]));
}

async function refresh() {
  const [{ scenarios }, { users }, { history }, { url }] = await Promise.all(
    ['scenarios', 'users', 'history?last=60', 'destination'].map(path => call('GET', path)),
  );
  showScenarios(scenarios);
  showUsers(users);
  showHistory(history);
  byId('destination').textContent = url ?? 'nowhere';
}

for (const box of document.querySelectorAll('[data-scenario]')) {
  box.addEventListener('change', async () => {
    await call(box.checked ? 'PUT' : 'DELETE', 'scenarios/' + box.dataset.scenario);
    box.blur();
    await refresh();
  });
}
for (const button of document.querySelectorAll('[data-advance]')) {
  button.addEventListener('click', async () => {
    await call('POST', 'clock/advance', { seconds: Number(button.dataset.advance) });
    await refresh();
  });
}
byId('all-off').addEventListener('click', async () => {
  await Promise.all([...document.querySelectorAll('[data-scenario]:checked')].map(box => call('DELETE', 'scenarios/' + box.dataset.scenario)));
  await refresh();
});
byId('change-destination').addEventListener('click', async () => {
  const url = prompt('URL to send webhooks to. Leave it empty to send none.', byId('destination').textContent);
  if (url === null) return;
  const { error } = await call('PUT', 'destination', { url: url === '' || url === 'nowhere' ? null : url });
  if (error) alert(error);
  await refresh();
});
byId('clear-history').addEventListener('click', async () => { await call('DELETE', 'history'); await refresh(); });
byId('reset').addEventListener('click', async () => { await call('POST', 'reset', {}); await refresh(); });

const keepCurrent = async () => {
  await refresh().catch(() => {});
  setTimeout(keepCurrent, 1500);
};
call('GET', 'events').then(({ events }) => {
  userEvents = events.filter(({ of }) => of === 'user');
  return keepCurrent();
});
`;

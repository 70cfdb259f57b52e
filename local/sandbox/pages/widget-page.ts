import type { WidgetSession } from '../links';
import { findProvider, type Provider } from '../providers';
import type { SandboxUser } from '../users';
import { emblem, escape, layout } from './layout';

/** Renders the hosted widget: the end user picks a provider, or disconnects one if the session offers that. */
export function widgetPage(
  session: WidgetSession,
  offered: readonly Provider[],
  linked: readonly SandboxUser[],
): string {
  const choices = offered.map(
    ({ id, name, kind }) => `<button class="choice" id="provider-${id}" name="provider" value="${id}">
${emblem(id, name)}<span class="grow">${escape(name)}${kind === 'sdk' ? '<br><span class="soft small">on your phone</span>' : ''}</span></button>`,
  );
  const existing = linked.map(
    ({ userId, provider: id, account }) => `<div class="linked">
${emblem(id, nameOf(id))}<span class="grow">${escape(nameOf(id))}<br><span class="soft small">${escape(account)}</span></span>
<button id="disconnect-${userId}" name="disconnect" value="${userId}">Disconnect</button></div>`,
  );
  return layout(
    'Connect a device',
    `<main class="card">
<h1>Connect your device</h1>
<p class="soft">Choose where your health data comes from.</p>
<form method="post" id="widget">
${existing.length > 0 ? `<div class="choices" id="linked">${existing.join('\n')}</div>` : ''}
<div class="choices" id="providers">${choices.join('\n') || '<p class="soft">No providers available: none of the requested providers is enabled.</p>'}</div>
</form>
</main>`,
    { language: session.language },
  );
}

function nameOf(providerId: string): string {
  return findProvider(providerId)?.name ?? providerId;
}

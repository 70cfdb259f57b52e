import { scenarioGroups } from '../scenarios';
import type { World } from '../world';
import { homeScript } from './home-script';
import { escape, layout } from './layout';

const steps = [
  { label: '+1 min', seconds: 60 },
  { label: '+1 hour', seconds: 3600 },
  { label: '+1 day', seconds: 86_400 },
  { label: '+1 week', seconds: 604_800 },
];

/**
 * Renders the home page: what the sandbox is, its scenarios as switches, its users, and all requests and deliveries.
 */
export function homePage(world: World, nonce: string): string {
  return layout(
    'Terra sandbox',
    `<main>
<div class="top">
<div><h1>Terra sandbox</h1>
<p class="soft">A local imitation of Terra: the same API, widget, redirects and signed webhooks, with fictitious users and devices. Switch on a scenario and see how your app handles it.</p></div>
<form method="post" action="/sandbox/try"><button class="primary" id="try">Try the widget</button></form>
</div>
<ul class="facts">
<li>API <b><code>${escape(world.url)}/v2</code></b></li>
<li>Widget <b><code>${escape(world.url)}/api/widget/session</code></b></li>
<li>dev-id <b><code>${escape(world.devId)}</code></b></li>
<li>Webhooks to <b><code id="destination">&hellip;</code></b><button id="change-destination">Change</button></li>
</ul>
<section aria-labelledby="scenarios-title">
<header><h2 id="scenarios-title">Scenarios</h2><div class="bar"><button id="all-off">All off</button></div></header>
<div class="panel">${Object.entries(scenarioGroups).map(group).join('\n')}</div>
</section>
<section aria-labelledby="users-title">
<header><h2 id="users-title">Connected users</h2></header>
<div class="panel" id="users"><p class="empty">Loading&hellip;</p></div>
</section>
<section aria-labelledby="history-title">
<header><h2 id="history-title">Requests and deliveries</h2>
<div class="bar">${steps.map(({ label, seconds }) => `<button data-advance="${seconds}" title="Advances the clock: retries, expiry and later events fall due">${label}</button>`).join('')}<button id="clear-history">Clear</button><button id="reset">Reset everything</button></div></header>
<div class="panel" id="history"><p class="empty">Loading&hellip;</p></div>
</section>
</main>
<script nonce="${nonce}">${homeScript}</script>`,
    { wide: true },
  );
}

function group([title, scenarios]: [string, readonly { name: string; imitates: string; source: string }[]]): string {
  const switches = scenarios.map(
    ({
      name,
      imitates,
      source,
    }) => `<label class="scenario"><input class="switch" type="checkbox" role="switch" data-scenario="${name}" autocomplete="off">
<span><b>${name}</b><span>${escape(imitates)}</span><span class="source">${escape(source)}</span></span></label>`,
  );
  return `<details class="group"><summary>${title}<span class="count">${scenarios.length}</span></summary>
<div class="scenarios">${switches.join('\n')}</div></details>`;
}

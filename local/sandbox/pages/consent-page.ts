import type { Flow } from '../links';
import type { Provider } from '../providers';
import { emblem, escape, layout } from './layout';

/** Renders a provider's sign-in and consent in one page: the account, the permissions, Approve and Deny. */
export function consentPage(flow: Flow, provider: Provider, account: string): string {
  const scopes = provider.scopes.map(
    (
      scope,
      index,
    ) => `<label class="scope"><input type="checkbox" id="scope-${index}" name="scope" value="${escape(scope)}" checked>
<code>${escape(scope)}</code></label>`,
  );
  return layout(
    `Share your ${provider.name} data`,
    `<main class="card">
<div class="pair">${emblem(provider.id, provider.name)}<span aria-hidden="true">&rarr;</span><span class="emblem app" aria-hidden="true">App</span></div>
<h1>Share your ${escape(provider.name)} data?</h1>
<p class="soft">An app wants to read your data from ${escape(provider.name)}. You can stop sharing at any time.</p>
<form method="post" action="/sandbox/consent/${flow.id}" id="consent">
<input type="hidden" name="choosing" value="1">
<label class="field" for="account">Your ${escape(provider.name)} account
<input type="text" id="account" name="account" value="${escape(account)}" autocomplete="off" spellcheck="false"></label>
<fieldset><legend>The app can read</legend>${scopes.join('\n')}</fieldset>
<div class="actions">
<button id="approve" name="decision" value="approve" class="primary">Approve</button>
<button id="deny" name="decision" value="deny">Deny</button>
</div>
</form>
</main>`,
  );
}

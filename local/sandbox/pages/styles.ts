/** The sandbox's style sheet, light and dark, without external fonts or images. */
export const styles = `
:root { color-scheme: light dark; --bg:#f4f5f2; --card:#fff; --ink:#17201b; --soft:#5d6a63; --line:#e1e5df; --accent:#0d6b52; --on-accent:#fff; --tint:#e8f3ee; --bad:#b3382c; --good:#0d6b52; --warn:#9a6500; }
@media (prefers-color-scheme: dark) { :root { --bg:#101512; --card:#18201b; --ink:#e8eee9; --soft:#98a69e; --line:#2a352e; --accent:#4cc39c; --on-accent:#06231a; --tint:#1c2f27; --bad:#f0877b; --good:#4cc39c; --warn:#e3b45a; } }
* { box-sizing: border-box; }
body { margin:0; min-height:100vh; background:var(--bg); color:var(--ink); font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif; display:flex; flex-direction:column; align-items:center; padding:24px 16px 16px; }
main { width:100%; }
.narrow main { max-width:440px; margin:auto; }
.wide main { max-width:1080px; }
h1 { font-size:1.6rem; line-height:1.2; letter-spacing:-.02em; margin:0 0 6px; }
h2 { font-size:1.05rem; letter-spacing:-.01em; margin:0; }
p { margin:0 0 12px; }
a { color:var(--accent); }
code { font:.86em ui-monospace,Menlo,Consolas,"Liberation Mono",monospace; overflow-wrap:anywhere; }
.soft { color:var(--soft); }
.small { font-size:.86rem; }
.card { background:var(--card); border:1px solid var(--line); border-radius:20px; padding:28px; box-shadow:0 1px 2px rgb(0 0 0/.04), 0 12px 32px rgb(0 0 0/.05); }
.emblem { flex:none; display:inline-grid; place-items:center; width:44px; height:44px; border-radius:13px; background:hsl(var(--hue) 45% 38%); color:#fff; font-weight:600; font-size:1.02rem; letter-spacing:-.02em; }
.emblem.app { background:var(--tint); color:var(--accent); }
.pair { display:flex; align-items:center; gap:12px; margin-bottom:20px; color:var(--soft); }
.pair .emblem { width:56px; height:56px; border-radius:17px; font-size:1.25rem; }
button { font:inherit; font-weight:600; color:var(--ink); background:var(--card); border:1px solid var(--line); border-radius:13px; padding:12px 18px; cursor:pointer; }
button:hover { border-color:var(--accent); }
button:focus-visible, input:focus-visible, summary:focus-visible { outline:3px solid var(--accent); outline-offset:2px; }
button.primary { background:var(--accent); border-color:var(--accent); color:var(--on-accent); }
button.primary:hover { filter:brightness(1.08); }
.actions { display:grid; grid-template-columns:1fr 1fr; gap:12px; margin-top:22px; }
/* Approve stands first in the markup, so that Enter in the account field approves, and second to the eye. */
.actions .primary { order:2; }
.choices { display:grid; gap:10px; margin-top:20px; }
.choice { display:flex; align-items:center; gap:14px; width:100%; text-align:left; padding:10px 16px 10px 10px; }
.choice .grow { flex:1; }
.choice::after { content:"\\203A"; color:var(--soft); font-size:1.3rem; }
.linked { display:flex; align-items:center; gap:14px; padding:10px; border:1px solid var(--line); border-radius:13px; }
.linked span.grow { flex:1; min-width:0; overflow-wrap:anywhere; }
.linked button { padding:7px 12px; font-size:.88rem; }
label.field { display:block; margin:18px 0 0; font-size:.86rem; color:var(--soft); }
input[type=text], input[type=number] { width:100%; margin-top:5px; font:inherit; color:var(--ink); background:var(--bg); border:1px solid var(--line); border-radius:11px; padding:10px 12px; }
fieldset { border:0; margin:18px 0 0; padding:0; }
legend { padding:0; font-size:.86rem; color:var(--soft); }
.scope { display:flex; gap:12px; align-items:center; padding:10px 0; border-bottom:1px solid var(--line); }
.scope:last-child { border-bottom:0; }
.scope input { width:19px; height:19px; accent-color:var(--accent); margin:0; }
.mark { width:56px; height:56px; border-radius:50%; display:grid; place-items:center; font-size:1.6rem; background:var(--tint); color:var(--accent); margin-bottom:18px; }
.mark.bad { background:color-mix(in srgb, var(--bad) 14%, transparent); color:var(--bad); }
footer { margin-top:22px; font-size:.78rem; color:var(--soft); text-align:center; }
.label { display:inline-block; border:1px solid var(--line); border-radius:99px; padding:1px 9px; margin-right:5px; font-weight:600; }
.top { display:flex; flex-wrap:wrap; gap:10px 24px; align-items:end; margin:8px 0 22px; }
.top > div { flex:1 1 420px; }
.facts { display:flex; flex-wrap:wrap; gap:6px 20px; margin:0 0 22px; padding:0; list-style:none; font-size:.86rem; color:var(--soft); }
.facts b { color:var(--ink); font-weight:600; }
.facts button { font-size:.8rem; font-weight:500; padding:0 8px; margin-left:6px; border-radius:8px; }
.bar { display:flex; flex-wrap:wrap; gap:8px; }
.bar button, .row button { padding:7px 13px; font-size:.88rem; border-radius:10px; }
section { margin-bottom:26px; }
section > header { display:flex; flex-wrap:wrap; align-items:baseline; justify-content:space-between; gap:8px; margin:0 2px 10px; }
.panel { background:var(--card); border:1px solid var(--line); border-radius:16px; overflow:hidden; }
.panel > .empty { padding:22px; color:var(--soft); }
details.group + details.group { border-top:1px solid var(--line); }
details.group > summary { padding:14px 18px; cursor:pointer; font-weight:600; list-style:none; display:flex; gap:10px; align-items:center; }
details.group > summary::-webkit-details-marker { display:none; }
details.group > summary::before { content:"\\203A"; color:var(--soft); transition:transform .15s; }
details.group[open] > summary::before { transform:rotate(90deg); }
.count { margin-left:auto; font-weight:500; font-size:.82rem; color:var(--soft); }
.count.on { color:var(--on-accent); background:var(--accent); border-radius:99px; padding:0 9px; }
.scenarios { display:grid; grid-template-columns:repeat(auto-fill,minmax(310px,1fr)); border-top:1px solid var(--line); }
.scenario { display:flex; gap:13px; padding:13px 18px; cursor:pointer; }
.scenario:hover { background:var(--bg); }
.scenario b { font-weight:600; }
.scenario span span { display:block; font-size:.84rem; line-height:1.4; color:var(--soft); }
.scenario .source { font-size:.75rem; opacity:.8; }
.switch { flex:none; appearance:none; width:38px; height:22px; border-radius:99px; background:var(--line); position:relative; margin:2px 0 0; cursor:pointer; transition:background .15s; }
.switch::after { content:""; position:absolute; top:3px; left:3px; width:16px; height:16px; border-radius:50%; background:#fff; box-shadow:0 1px 2px rgb(0 0 0/.3); transition:left .15s; }
.switch:checked { background:var(--accent); }
.switch:checked::after { left:19px; }
.row { display:flex; flex-wrap:wrap; gap:6px 14px; align-items:center; padding:12px 18px; border-top:1px solid var(--line); }
.row:first-child { border-top:0; }
.row .grow { flex:1 1 200px; min-width:0; }
.row .grow > div { overflow-wrap:anywhere; }
.row select { font:inherit; font-size:.88rem; color:var(--ink); background:var(--bg); border:1px solid var(--line); border-radius:10px; padding:7px 9px; max-width:100%; }
.badge { flex:none; min-width:46px; text-align:center; font-size:.78rem; font-weight:600; border-radius:8px; padding:2px 8px; background:var(--bg); color:var(--soft); }
.badge.good { background:var(--tint); color:var(--good); }
.badge.bad { background:color-mix(in srgb, var(--bad) 14%, transparent); color:var(--bad); }
.badge.warn { background:color-mix(in srgb, var(--warn) 16%, transparent); color:var(--warn); }
.entry > summary { display:flex; flex-wrap:wrap; gap:4px 12px; align-items:center; padding:9px 18px; cursor:pointer; list-style:none; font-size:.9rem; }
.entry > summary::-webkit-details-marker { display:none; }
.entry + .entry { border-top:1px solid var(--line); }
.entry .what { flex:1 1 180px; min-width:0; overflow-wrap:anywhere; }
.entry time { color:var(--soft); font-size:.8rem; font-variant-numeric:tabular-nums; }
.entry pre { margin:0; padding:12px 18px; overflow:auto; max-height:340px; background:var(--bg); border-top:1px solid var(--line); font:.78rem/1.5 ui-monospace,Menlo,Consolas,"Liberation Mono",monospace; white-space:pre-wrap; overflow-wrap:anywhere; }
@media (max-width:560px) { .card { padding:22px; } .scenarios { grid-template-columns:1fr; } body { padding:16px 12px; } }
`;

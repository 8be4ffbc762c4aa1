/**
 * What the legal pages say before the operator has written texts: the facts about this program that
 * anybody may check, and where the operator's own words are missing. Markdown.
 */
export const LEGAL_EN = {
  privacy: `# Privacy

This gateway stores data on the machine it runs on, in one folder. It loads nothing from elsewhere,
counts no visitors and reports to nobody. What follows is what the program does by itself; who
operates it, and what for, is the operator's to say.

## When you only look

A visit is not recorded. If you choose light or dark, your browser keeps that choice in the cookie
\`sluice_theme\`; once you sign in, it keeps your time zone in \`sluice_tz\`. Both hold one word, for a
year. Requests are counted per network address in memory for a while, to turn floods away.

## When you request a device kit

What you write into the form is stored on this gateway: name, organisation, e-mail address, delivery
address, what you asked for and your remarks, with the time. The gateway sends no e-mail. Its admins
read, answer, export and delete requests; a request stays until one of them deletes it. Backups of
the gateway contain it as long as they are kept.

## When you sign in

- Your user name, your role and a hash of your password that cannot be turned back.
- For each sign-in the network address, the browser's name for itself and when it was used last;
  it ends after 14 days without use, after 90 days in any case, or when you sign out.
- Cookies \`sluice_session\` (who you are) and \`sluice_known\` (this browser signed in before, so
  that failed attempts of others do not lock you out).
- An audit trail of what people change: who, what, when, from which address; the last 100 000
  entries.

## What devices send

Measurements, predictions and descriptions of devices are kept as long as the gateway's settings say,
and are passed on to the destinations that the operator has set up. Whether they say something about
people (a camera that notices presence, a meter in a home) depends on what the devices are for.

## Your rights

Who answers questions about your data, on which legal ground it is processed, and how you get access,
correction or deletion: ask the operator named in the [imprint](/imprint).
`,

  terms: `# Terms

This gateway runs the program Sluice, which is published under the MIT licence: as it is, without
warranty. The operator has not set terms of their own for using this gateway.

## Requests for device kits

A request is a question, not an order: it costs nothing and binds nobody. A contract comes about only
when the operator answers with an offer and you accept it.

## Accounts

An account is for the person whom an admin made it for. What accounts change is recorded, see
[privacy](/privacy).
`,

  imprint: `# Imprint

The operator of this gateway has not written an imprint yet.

If somebody gave you the address of this page, they can tell you who runs the gateway.
`,
} as const;

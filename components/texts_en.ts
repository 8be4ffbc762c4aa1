/**
 * Every English word of the pages. Another language is another file of this type. Each group of
 * pages has its section; functions where a number or a name stands inside.
 */
import { formatNumber } from "@/components/format.ts";

function count(n: number, one: string, many = `${one}s`): string {
  return `${formatNumber(n)} ${n === 1 ? one : many}`;
}

export const TEXTS_EN = {
  language: "en",
  product: "Sluice",
  tagline: "An acknowledged message is never lost",

  nav: {
    label: "Main",
    dashboard: "Dashboard",
    devices: "Devices",
    predictions: "Predictions",
    delivery: "Delivery",
    deadLetters: "Dead letters",
    settings: "Settings",
    audit: "Audit",
    system: "System",
    orders: "Kit requests",
    docs: "Docs",
    account: "Account",
    more: "More",
    skip: "Skip to content",
    signIn: "Sign in",
    signOut: "Sign out",
  },

  frame: {
    live: "live",
    connecting: "connecting",
    lostTitle: "The gateway does not answer.",
    lostSince: "Shown values are from",
    lostHint: "This page reconnects by itself.",
    anonymous:
      "Senders on this machine need no credential yet (mqtt.anonymous). It ends with the first " +
      "device credential.",
    anonymousLink: "Add a device",
    full: "New data is refused: ",
    relaxed: "Durability is relaxed: power loss may take the last commits.",
    light: "Light",
    dark: "Dark",
    auto: "As the system",
    theme: "Theme",
    footer: "Everything here is served by this gateway; nothing is loaded from elsewhere.",
    privacy: "Privacy",
    terms: "Terms",
    imprint: "Imprint",
  },

  common: {
    save: "Save",
    cancel: "Cancel",
    close: "Close",
    edit: "Edit",
    remove: "Remove",
    back: "Back",
    next: "Next page",
    first: "First page",
    search: "Search",
    filter: "Filter",
    all: "All",
    yes: "Yes",
    no: "No",
    none: "none",
    copy: "Copy",
    copied: "Copied",
    export: "Export",
    refresh: "Refresh",
    confirm: "This cannot be undone.",
    whatToDo: "What to do",
    noScript: "Values on this page do not move without JavaScript; reload it for newer ones.",
    managed: "Set by the configuration file, the environment or a flag; change it there",
    count,
  },

  errors: {
    title: "That did not work",
    notFound: "There is no such page",
    notFoundHint: "The address may be mistyped, or what was here is gone.",
    notAllowed: "You may not do this",
    home: "To the dashboard",
    toSignIn: "To the sign-in",
    code: "Code",
  },

  /** Login, claim, account, people, audit. */
  people: {
    signIn: "Sign in",
    name: "User name",
    password: "Password",
    noAccount: "No account? An admin of this gateway makes one.",
    claim: "Claim this gateway",
    claimIntro:
      "Nobody administrates this gateway yet. Choose the first admin's name and password.",
    claimNoLink: "Nobody administrates this gateway yet.",
    claimWhere:
      "Its log has a link that creates the first admin: it works once, for 30 minutes after the start.",
    claimWhereSystemd: "Where it runs as a service:",
    claimWhereOr: "Or create the first admin on the machine itself:",
    claimExpired: "This claim link is not valid or not any more.",
    claimButton: "Create the admin",
    passwordHelp: "At least 10 characters; a sentence is good",
  },

  /** Welcome, documentation, purchase, legal pages. */
  visitors: {},

  dashboard: {},

  devices: {},

  predictions: {},

  delivery: {
    /** Plain texts, as islands take them. */
    flow: {
      label: "Flow of messages",
      sources: "Sources",
      sourceNames: {
        mqtt: "MQTT",
        http: "HTTP",
        serial: "Serial",
        feed: "Feed",
        subscriber: "Outside broker",
      } as Record<string, string>,
      perSecond: "msg/s",
      noSources: "Nothing has arrived since the start",
      undecodable: "undecodable, kept",
      log: "Log on disk",
      ackFull: "acknowledged after fsync",
      ackRelaxed: "acknowledged before fsync",
      commitP99: "commit, p99",
      noCommits: "No commit since the start",
      refuses: "refuses new data",
      room: "{used} of {max} wait",
      written: "written a day",
      queued: "queued",
      oldest: "oldest",
      toEmpty: "empty in",
      dead: "dead",
      states: {
        delivering: "delivering",
        upToDate: "up to date",
        waiting: "about to send",
        starting: "starting",
        retrying: "trying again",
        backingOff: "backing off",
        circuitOpen: "away",
        probing: "probing",
        paused: "paused",
        waitingForClock: "waiting for the clock",
        stopping: "stopping",
        removed: "not configured",
      } as Record<string, string>,
      restTitle: "Data rests here",
      rest: "No destination is configured: messages stay in the log and in the history of this " +
        "gateway. A destination that is added later begins with the next message.",
      restAdd: "Add a destination",
      restAsk: "An admin adds a destination in the settings, or as [[destination]] in sluice.toml.",
      ledgerOfMany: "{count} destinations together:",
      accepted: "accepted",
      columns: {
        acked: "acked",
        queued: "queued",
        inFlight: "in flight",
        dead: "dead",
        expired: "expired",
        purged: "purged",
        dropped: "dropped",
      } as Record<string, string>,
    },
  },

  deadLetters: {},

  settings: {},

  system: {},
};

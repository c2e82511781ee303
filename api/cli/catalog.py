"""Every command: name, one line, module. A newcomer adds a line; the module is imported when it is asked for."""

from typing import Final

COMMANDS: Final = (
    ("init", "Make a home: root, server and sticker keys, an empty log.", "api.cli.home"),
    ("status", "What runs where, and what waits for you.", "api.cli.status"),
    ("release", "Create, list, show, compare releases.", "api.cli.release"),
    ("evidence", "Submit and list evidence.", "api.cli.evidence"),
    ("feed", "Import and show advisory feeds.", "api.cli.feed"),
    ("environment", "Set and list environments.", "api.cli.environment"),
    ("target", "Add and list the hosts of an environment.", "api.cli.target"),
    ("policy", "Store, activate, list, show policy packs.", "api.cli.policy"),
    ("promote", "Ask that a release go to an environment.", "api.cli.promote"),
    ("promotion", "List and show promotions, decide again.", "api.cli.promotion"),
    ("approve", "Sign and give your approval.", "api.cli.approve"),
    ("reject", "Sign and give your veto.", "api.cli.approve"),
    ("cancel", "Take a promotion back.", "api.cli.promotion"),
    ("gate", "Ask the gates.", "api.cli.gate"),
    ("deploy", "Deploy an approved promotion.", "api.cli.deploy"),
    ("rollback", "Return to the last good packet.", "api.cli.deploy"),
    ("drift", "Compare what runs with what should.", "api.cli.deploy"),
    ("explain", "Why a verdict says what it says, and what would flip it.", "api.cli.gate"),
    ("replay", "Run a verdict, decision or packet again, elsewhere.", "api.cli.replay"),
    ("bundle", "Export, verify and import signed bundles.", "api.cli.bundle"),
    ("log", "Head, entries, proofs and checkpoint of the log.", "api.cli.log"),
    ("key", "Make and show keys.", "api.cli.key"),
    ("trust", "Show, rotate, revoke keys; keep the directory of people.", "api.cli.trust"),
    ("token", "Make, list, revoke bearer tokens.", "api.cli.token"),
    ("fsck", "Check every object, frame, entry and reference.", "api.cli.home"),
    ("index", "Rebuild the index.", "api.cli.home"),
    ("backup", "Copy the home while it is in use.", "api.cli.home"),
    ("serve", "Serve the home over HTTP and its socket.", "api.cli.serve"),
)

# Rules of the house: what the built-in gates do not ask.
# Check with `stella policy rule check`, store with `stella policy rule add`, name the digest in a pack:
#
#   gates:
#     - gate: rego_rules/1
#       with: {rules: ["sha256:…"]}
package stella

import rego.v1

trusted_registries := ["registry.example.com/", "ghcr.io/example/"]

# Images come from registries we know.
deny contains {
	"code": "registry_unknown",
	"message": sprintf("%s comes from %s", [part.name, part.repository]),
	"component": part.name,
} if {
	some part in input.release.components
	not from_trusted(part.repository)
}

from_trusted(repository) if {
	some prefix in trusted_registries
	startswith(repository, prefix)
}

# A critical finding with a fix does not go to production, whoever waived it.
deny contains {
	"code": "fix_available",
	"message": sprintf("%s is fixed in %s", [found.vulnerability, concat(", ", found.fixed_in)]),
	"severity": found.severity,
	"component": found.component,
	"purl": found.purl,
	"vulnerability": found.vulnerability,
	"evidence": [{"digest": found.sbom, "pointer": found.sbom_pointer}],
} if {
	input.environment.production
	some found in input.findings
	found.severity == "critical"
	count(found.fixed_in) > 0
	not found.vex in ["fixed", "not_affected"]
}

# Evidence that nobody signed is worth a look.
warn contains {
	"code": "unsigned",
	"message": sprintf("%s (%s) is not signed", [row.type, row.format]),
	"component": row.component,
	"evidence": [{"digest": row.raw, "pointer": ""}],
} if {
	some row in input.evidence
	row.standing == "unsigned"
}

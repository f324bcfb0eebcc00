// kyverno-decoder decodes the ClusterPolicies on standard input with Kyverno's own types, strictly: unknown and
// doubled fields are errors. It prints a line for each policy.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	kyverno "github.com/kyverno/kyverno/api/kyverno/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	for _, document := range bytes.Split(text, []byte("---\n"))[1:] {
		var policy kyverno.ClusterPolicy
		if err := yaml.UnmarshalStrict(document, &policy); err != nil {
			fail(err)
		}
		foreach := 0
		for _, rule := range policy.Spec.Rules {
			if rule.Mutation != nil {
				foreach += len(rule.Mutation.ForEachMutation)
			}
		}
		fmt.Printf("%s: %d rules, %d foreach\n", policy.Name, len(policy.Spec.Rules), foreach)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

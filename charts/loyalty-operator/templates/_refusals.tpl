{{/* What no schema can say well. */}}
{{- define "loyalty-operator.refusals" -}}
{{- if and (eq .Values.scope "Cluster") .Values.watchNamespaces -}}
{{- fail "`watchNamespaces` has no effect with `scope: Cluster`: set `scope: Namespaces`, or leave it empty" -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) -}}
{{- fail "`replicas` is more than 1 without leader election: all of them would write. Set `leaderElection.enabled: true`" -}}
{{- end -}}
{{- $name := include "loyalty-operator.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "`%s` cannot be the name of a Service: set `fullnameOverride` to letters, digits and `-`, a letter first" $name) -}}
{{- end -}}
{{- range .Values.extraEnv -}}
{{- if or (hasPrefix "LOYALTY_" .name) (has .name (list "POD_NAME" "POD_NAMESPACE")) -}}
{{- fail (printf "`extraEnv` may not set `%s`: the chart does, from its values" .name) -}}
{{- end -}}
{{- end -}}
{{- end }}

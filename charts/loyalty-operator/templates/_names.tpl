{{- define "loyalty-operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* 52 leave room for what is put behind it. */}}
{{- define "loyalty-operator.fullname" -}}
{{- $name := include "loyalty-operator.name" . -}}
{{- $full := .Values.fullnameOverride -}}
{{- if not $full -}}
{{- $full = ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- end -}}
{{- $full | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "loyalty-operator.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "loyalty-operator.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end }}

{{- define "loyalty-operator.lease" -}}
{{- .Values.leaderElection.leaseName | default (include "loyalty-operator.fullname" .) -}}
{{- end }}

{{/* By which the operator's pods are found; never changes, a Deployment's selector cannot. */}}
{{- define "loyalty-operator.selector" -}}
app.kubernetes.io/name: {{ include "loyalty-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels of every object. Ours win over those that are given. */}}
{{- define "loyalty-operator.labels" -}}
{{- $ours := dict
  "app.kubernetes.io/part-of" "loyalty-pipelines"
  "app.kubernetes.io/version" (.Chart.AppVersion | toString)
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
-}}
{{- merge $ours (include "loyalty-operator.selector" . | fromYaml) .Values.commonLabels | toYaml -}}
{{- end }}

{{/* Takes a list: the chart's root, and an image's values. */}}
{{- define "loyalty-operator.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- if $image.registry }}{{ $image.registry }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest -}}
@{{ $image.digest }}
{{- else -}}
:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The namespaces that are watched, as a list; empty: all. */}}
{{- define "loyalty-operator.namespaces" -}}
{{- if eq .Values.scope "Namespaces" -}}
{{- .Values.watchNamespaces | default (list .Release.Namespace) | toYaml -}}
{{- else -}}
[]
{{- end -}}
{{- end }}

{{/* Of every container: the restricted Pod Security Standard, and a file system that nobody writes. */}}
{{- define "loyalty-operator.restricted" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end }}

{{- define "loyalty-operator.restrictedPod" -}}
runAsNonRoot: true
{{- with .Values.podSecurityContext.runAsUser }}
runAsUser: {{ . | int64 }}
{{- end }}
{{- with .Values.podSecurityContext.runAsGroup }}
runAsGroup: {{ . | int64 }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

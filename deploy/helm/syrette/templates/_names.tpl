{{- /* Names, labels and the image, spelled once. One installation per cluster: what is not namespaced has a fixed name. */ -}}

{{- /* Sorts before `pod-identity-webhook`: the API server calls webhooks by the name of their configuration. */ -}}
{{- define "syrette.configuration" -}}injection.syrette.dev{{- end -}}

{{- /* What a schema cannot say of two values, or of a value and the cluster: said before anything is installed. */ -}}
{{- define "syrette.checks" -}}
{{- if eq (int .Values.admissionPort) (int .Values.metricsPort) -}}
{{- fail "admissionPort and metricsPort must differ" -}}
{{- end -}}
{{- if and .Values.registration.policies (eq .Values.registration.scope "match-conditions") (semverCompare ">=1.28.0-0 <1.30.0-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "Kubernetes %s has no ValidatingAdmissionPolicy: set registration.scope to pod-label or namespace-label (docs/install.md, Clusters before 1.30)" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- end -}}

{{- define "syrette.selector" -}}
app.kubernetes.io/name: syrette
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end -}}

{{- define "syrette.labels" -}}
{{ include "syrette.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "syrette.image" -}}
{{ .Values.image.repository }}
{{- if .Values.image.digest -}}
@{{ .Values.image.digest }}
{{- else -}}
:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* The operator's document as it was written, with the image that the chart itself runs unless it names another. */ -}}
{{- define "syrette.config" -}}
{{- $injector := dict "image" (include "syrette.image" .) "pull-policy" .Values.image.pullPolicy -}}
{{- if .Values.image.pullSecret -}}
{{- $_ := set $injector "pull-secret" .Values.image.pullSecret -}}
{{- end -}}
{{- mergeOverwrite (dict "injector" $injector) .Values.config | toYaml -}}
{{- end -}}

{{- define "syrette.configmap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: syrette-config
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "syrette.labels" . | nindent 4 }}
data:
  config.yaml: |
    {{- include "syrette.config" . | nindent 4 }}
{{- end -}}

{{- define "syrette.enforced" -}}
key: syrette.dev/enforcement
operator: NotIn
values: [disabled]
{{- end -}}

{{- define "syrette.namespaces" -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: {{ concat (list "kube-system" .Release.Namespace) .Values.registration.excludedNamespaces | uniq | toJson }}
  - {{- include "syrette.enforced" . | nindent 4 }}
{{- if eq .Values.registration.scope "namespace-label" }}
  - key: syrette.dev/injection
    operator: In
    values: [enabled]
{{- end }}
{{- end -}}

{{- define "syrette.client" -}}
service:
  name: syrette
  namespace: {{ .root.Release.Namespace }}
  path: {{ .path }}
  port: 443
{{- with .root.Values.tls }}
{{- if and (eq .source "disk") .disk.caBundle }}
caBundle: {{ .disk.caBundle | b64enc }}
{{- end }}
{{- end }}
{{- end -}}

//! The types reachable from PodSpec in Kubernetes' core/v1 API, version 1.36, as a table.
//!
//! One entry per type: its name and its fields, separated by spaces. A field is `key[!][:type]`.
//! `!` marks a field that Go writes even when it is empty. The type is `string` unless said otherwise;
//! `*` marks a pointer, whose zero value is written when it was set; `[]` a list; `{}` a mapping with
//! free keys; a capital letter another entry of this table.

pub(super) static TYPES: &[(&str, &str)] = &[
    (
        "PodSpec",
        "volumes:[]Volume initContainers:[]Container containers!:[]Container \
         ephemeralContainers:[]EphemeralContainer restartPolicy \
         terminationGracePeriodSeconds:*int activeDeadlineSeconds:*int dnsPolicy \
         nodeSelector:{}string serviceAccountName serviceAccount \
         automountServiceAccountToken:*bool nodeName hostNetwork:bool hostPID:bool \
         hostIPC:bool shareProcessNamespace:*bool securityContext:PodSecurityContext \
         imagePullSecrets:[]LocalObjectReference hostname subdomain affinity:Affinity \
         schedulerName tolerations:[]Toleration hostAliases:[]HostAlias priorityClassName \
         priority:*int dnsConfig:PodDNSConfig readinessGates:[]PodReadinessGate \
         runtimeClassName:*string enableServiceLinks:*bool preemptionPolicy:*string \
         overhead:{}quantity topologySpreadConstraints:[]TopologySpreadConstraint \
         setHostnameAsFQDN:*bool os:PodOS hostUsers:*bool schedulingGates:[]PodSchedulingGate \
         resourceClaims:[]PodResourceClaim resources:ResourceRequirements \
         hostnameOverride:*string schedulingGroup:PodSchedulingGroup",
    ),
    (
        "Volume",
        "name! hostPath:HostPathVolumeSource emptyDir:EmptyDirVolumeSource \
         gcePersistentDisk:GCEPersistentDiskVolumeSource \
         awsElasticBlockStore:AWSElasticBlockStoreVolumeSource gitRepo:GitRepoVolumeSource \
         secret:SecretVolumeSource nfs:NFSVolumeSource iscsi:ISCSIVolumeSource \
         glusterfs:GlusterfsVolumeSource \
         persistentVolumeClaim:PersistentVolumeClaimVolumeSource rbd:RBDVolumeSource \
         flexVolume:FlexVolumeSource cinder:CinderVolumeSource cephfs:CephFSVolumeSource \
         flocker:FlockerVolumeSource downwardAPI:DownwardAPIVolumeSource fc:FCVolumeSource \
         azureFile:AzureFileVolumeSource configMap:ConfigMapVolumeSource \
         vsphereVolume:VsphereVirtualDiskVolumeSource quobyte:QuobyteVolumeSource \
         azureDisk:AzureDiskVolumeSource \
         photonPersistentDisk:PhotonPersistentDiskVolumeSource \
         projected:ProjectedVolumeSource portworxVolume:PortworxVolumeSource \
         scaleIO:ScaleIOVolumeSource storageos:StorageOSVolumeSource csi:CSIVolumeSource \
         ephemeral:EphemeralVolumeSource image:ImageVolumeSource",
    ),
    (
        "Container",
        "name! image command:[]string args:[]string workingDir ports:[]ContainerPort \
         envFrom:[]EnvFromSource env:[]EnvVar resources!:ResourceRequirements \
         resizePolicy:[]ContainerResizePolicy restartPolicy:*string \
         restartPolicyRules:[]ContainerRestartRule volumeMounts:[]VolumeMount \
         volumeDevices:[]VolumeDevice livenessProbe:Probe readinessProbe:Probe \
         startupProbe:Probe lifecycle:Lifecycle terminationMessagePath \
         terminationMessagePolicy imagePullPolicy securityContext:SecurityContext stdin:bool \
         stdinOnce:bool tty:bool",
    ),
    (
        "EphemeralContainer",
        "name! image command:[]string args:[]string workingDir ports:[]ContainerPort \
         envFrom:[]EnvFromSource env:[]EnvVar resources!:ResourceRequirements \
         resizePolicy:[]ContainerResizePolicy restartPolicy:*string \
         restartPolicyRules:[]ContainerRestartRule volumeMounts:[]VolumeMount \
         volumeDevices:[]VolumeDevice livenessProbe:Probe readinessProbe:Probe \
         startupProbe:Probe lifecycle:Lifecycle terminationMessagePath \
         terminationMessagePolicy imagePullPolicy securityContext:SecurityContext stdin:bool \
         stdinOnce:bool tty:bool targetContainerName",
    ),
    (
        "PodSecurityContext",
        "seLinuxOptions:SELinuxOptions windowsOptions:WindowsSecurityContextOptions \
         runAsUser:*int runAsGroup:*int runAsNonRoot:*bool supplementalGroups:[]int \
         supplementalGroupsPolicy:*string fsGroup:*int sysctls:[]Sysctl \
         fsGroupChangePolicy:*string seccompProfile:SeccompProfile \
         appArmorProfile:AppArmorProfile seLinuxChangePolicy:*string",
    ),
    ("LocalObjectReference", "name"),
    (
        "Affinity",
        "nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAntiAffinity",
    ),
    ("Toleration", "key operator value effect tolerationSeconds:*int"),
    ("HostAlias", "ip! hostnames:[]string"),
    ("PodDNSConfig", "nameservers:[]string searches:[]string options:[]PodDNSConfigOption"),
    ("PodReadinessGate", "conditionType!"),
    (
        "TopologySpreadConstraint",
        "maxSkew!:int topologyKey! whenUnsatisfiable! labelSelector:LabelSelector \
         minDomains:*int nodeAffinityPolicy:*string nodeTaintsPolicy:*string \
         matchLabelKeys:[]string",
    ),
    ("PodOS", "name!"),
    ("PodSchedulingGate", "name!"),
    ("PodResourceClaim", "name! resourceClaimName:*string resourceClaimTemplateName:*string"),
    ("ResourceRequirements", "limits:{}quantity requests:{}quantity claims:[]ResourceClaim"),
    ("PodSchedulingGroup", "podGroupName:*string"),
    ("HostPathVolumeSource", "path! type:*string"),
    ("EmptyDirVolumeSource", "medium sizeLimit:*quantity"),
    ("GCEPersistentDiskVolumeSource", "pdName! fsType partition:int readOnly:bool"),
    ("AWSElasticBlockStoreVolumeSource", "volumeID! fsType partition:int readOnly:bool"),
    ("GitRepoVolumeSource", "repository! revision directory"),
    ("SecretVolumeSource", "secretName items:[]KeyToPath defaultMode:*int optional:*bool"),
    ("NFSVolumeSource", "server! path! readOnly:bool"),
    (
        "ISCSIVolumeSource",
        "targetPortal! iqn! lun!:int iscsiInterface fsType readOnly:bool portals:[]string \
         chapAuthDiscovery:bool chapAuthSession:bool secretRef:LocalObjectReference \
         initiatorName:*string",
    ),
    ("GlusterfsVolumeSource", "endpoints! path! readOnly:bool"),
    ("PersistentVolumeClaimVolumeSource", "claimName! readOnly:bool"),
    (
        "RBDVolumeSource",
        "monitors!:[]string image! fsType pool user keyring secretRef:LocalObjectReference \
         readOnly:bool",
    ),
    (
        "FlexVolumeSource",
        "driver! fsType secretRef:LocalObjectReference readOnly:bool options:{}string",
    ),
    ("CinderVolumeSource", "volumeID! fsType readOnly:bool secretRef:LocalObjectReference"),
    (
        "CephFSVolumeSource",
        "monitors!:[]string path user secretFile secretRef:LocalObjectReference readOnly:bool",
    ),
    ("FlockerVolumeSource", "datasetName datasetUUID"),
    ("DownwardAPIVolumeSource", "items:[]DownwardAPIVolumeFile defaultMode:*int"),
    ("FCVolumeSource", "targetWWNs:[]string lun:*int fsType readOnly:bool wwids:[]string"),
    ("AzureFileVolumeSource", "secretName! shareName! readOnly:bool"),
    ("ConfigMapVolumeSource", "name items:[]KeyToPath defaultMode:*int optional:*bool"),
    ("VsphereVirtualDiskVolumeSource", "volumePath! fsType storagePolicyName storagePolicyID"),
    ("QuobyteVolumeSource", "registry! volume! readOnly:bool user group tenant"),
    (
        "AzureDiskVolumeSource",
        "diskName! diskURI! cachingMode:*string fsType:*string readOnly:*bool kind:*string",
    ),
    ("PhotonPersistentDiskVolumeSource", "pdID! fsType"),
    ("ProjectedVolumeSource", "sources!:[]VolumeProjection defaultMode:*int"),
    ("PortworxVolumeSource", "volumeID! fsType readOnly:bool"),
    (
        "ScaleIOVolumeSource",
        "gateway! system! secretRef!:*LocalObjectReference sslEnabled:bool protectionDomain \
         storagePool storageMode volumeName fsType readOnly:bool",
    ),
    (
        "StorageOSVolumeSource",
        "volumeName volumeNamespace fsType readOnly:bool secretRef:LocalObjectReference",
    ),
    (
        "CSIVolumeSource",
        "driver! readOnly:*bool fsType:*string volumeAttributes:{}string \
         nodePublishSecretRef:LocalObjectReference",
    ),
    ("EphemeralVolumeSource", "volumeClaimTemplate:PersistentVolumeClaimTemplate"),
    ("ImageVolumeSource", "reference pullPolicy"),
    ("ContainerPort", "name hostPort:int containerPort!:int protocol hostIP"),
    ("EnvFromSource", "prefix configMapRef:ConfigMapEnvSource secretRef:SecretEnvSource"),
    ("EnvVar", "name! value valueFrom:EnvVarSource"),
    ("ContainerResizePolicy", "resourceName! restartPolicy!"),
    ("ContainerRestartRule", "action exitCodes:ContainerRestartRuleOnExitCodes"),
    (
        "VolumeMount",
        "name! readOnly:bool recursiveReadOnly:*string mountPath! subPath \
         mountPropagation:*string subPathExpr",
    ),
    ("VolumeDevice", "name! devicePath!"),
    (
        "Probe",
        "exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction grpc:GRPCAction \
         initialDelaySeconds:int timeoutSeconds:int periodSeconds:int successThreshold:int \
         failureThreshold:int terminationGracePeriodSeconds:*int",
    ),
    ("Lifecycle", "postStart:LifecycleHandler preStop:LifecycleHandler stopSignal:*string"),
    (
        "SecurityContext",
        "capabilities:Capabilities privileged:*bool seLinuxOptions:SELinuxOptions \
         windowsOptions:WindowsSecurityContextOptions runAsUser:*int runAsGroup:*int \
         runAsNonRoot:*bool readOnlyRootFilesystem:*bool allowPrivilegeEscalation:*bool \
         procMount:*string seccompProfile:SeccompProfile appArmorProfile:AppArmorProfile",
    ),
    ("SELinuxOptions", "user role type level"),
    (
        "WindowsSecurityContextOptions",
        "gmsaCredentialSpecName:*string gmsaCredentialSpec:*string runAsUserName:*string \
         hostProcess:*bool",
    ),
    ("Sysctl", "name! value!"),
    ("SeccompProfile", "type! localhostProfile:*string"),
    ("AppArmorProfile", "type! localhostProfile:*string"),
    (
        "NodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution:NodeSelector \
         preferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm",
    ),
    (
        "PodAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm \
         preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm",
    ),
    (
        "PodAntiAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm \
         preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm",
    ),
    ("PodDNSConfigOption", "name value:*string"),
    ("LabelSelector", "matchLabels:{}string matchExpressions:[]LabelSelectorRequirement"),
    ("ResourceClaim", "name! request"),
    ("KeyToPath", "key! path! mode:*int"),
    (
        "DownwardAPIVolumeFile",
        "path! fieldRef:ObjectFieldSelector resourceFieldRef:ResourceFieldSelector mode:*int",
    ),
    (
        "VolumeProjection",
        "secret:SecretProjection downwardAPI:DownwardAPIProjection \
         configMap:ConfigMapProjection serviceAccountToken:ServiceAccountTokenProjection \
         clusterTrustBundle:ClusterTrustBundleProjection \
         podCertificate:PodCertificateProjection",
    ),
    ("PersistentVolumeClaimTemplate", "metadata!:ObjectMeta spec!:PersistentVolumeClaimSpec"),
    ("ConfigMapEnvSource", "name optional:*bool"),
    ("SecretEnvSource", "name optional:*bool"),
    (
        "EnvVarSource",
        "fieldRef:ObjectFieldSelector resourceFieldRef:ResourceFieldSelector \
         configMapKeyRef:ConfigMapKeySelector secretKeyRef:SecretKeySelector \
         fileKeyRef:FileKeySelector",
    ),
    ("ContainerRestartRuleOnExitCodes", "operator values:[]int"),
    ("ExecAction", "command:[]string"),
    ("HTTPGetAction", "path port!:intOrString host scheme httpHeaders:[]HTTPHeader"),
    ("TCPSocketAction", "port!:intOrString host"),
    ("GRPCAction", "port!:int service!:*string"),
    (
        "LifecycleHandler",
        "exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction sleep:SleepAction",
    ),
    ("Capabilities", "add:[]string drop:[]string"),
    ("NodeSelector", "nodeSelectorTerms!:[]NodeSelectorTerm"),
    ("PreferredSchedulingTerm", "weight!:int preference!:NodeSelectorTerm"),
    (
        "PodAffinityTerm",
        "labelSelector:LabelSelector namespaces:[]string topologyKey! \
         namespaceSelector:LabelSelector matchLabelKeys:[]string mismatchLabelKeys:[]string",
    ),
    ("WeightedPodAffinityTerm", "weight!:int podAffinityTerm!:PodAffinityTerm"),
    ("LabelSelectorRequirement", "key! operator! values:[]string"),
    ("ObjectFieldSelector", "apiVersion fieldPath!"),
    ("ResourceFieldSelector", "containerName resource! divisor!:quantity"),
    ("SecretProjection", "name items:[]KeyToPath optional:*bool"),
    ("DownwardAPIProjection", "items:[]DownwardAPIVolumeFile"),
    ("ConfigMapProjection", "name items:[]KeyToPath optional:*bool"),
    ("ServiceAccountTokenProjection", "audience expirationSeconds:*int path!"),
    (
        "ClusterTrustBundleProjection",
        "name:*string signerName:*string labelSelector:LabelSelector optional:*bool path!",
    ),
    (
        "PodCertificateProjection",
        "signerName keyType maxExpirationSeconds:*int credentialBundlePath keyPath \
         certificateChainPath userAnnotations:{}string",
    ),
    (
        "ObjectMeta",
        "name generateName namespace selfLink uid resourceVersion generation:int \
         creationTimestamp:time deletionTimestamp:*time deletionGracePeriodSeconds:*int \
         labels:{}string annotations:{}string ownerReferences:[]OwnerReference \
         finalizers:[]string managedFields:[]ManagedFieldsEntry",
    ),
    (
        "PersistentVolumeClaimSpec",
        "accessModes:[]string selector:LabelSelector resources!:VolumeResourceRequirements \
         volumeName storageClassName:*string volumeMode:*string \
         dataSource:TypedLocalObjectReference dataSourceRef:TypedObjectReference \
         volumeAttributesClassName:*string",
    ),
    ("ConfigMapKeySelector", "name key! optional:*bool"),
    ("SecretKeySelector", "name key! optional:*bool"),
    ("FileKeySelector", "volumeName! path! key! optional:*bool"),
    ("HTTPHeader", "name! value!"),
    ("SleepAction", "seconds!:int"),
    (
        "NodeSelectorTerm",
        "matchExpressions:[]NodeSelectorRequirement matchFields:[]NodeSelectorRequirement",
    ),
    ("OwnerReference", "apiVersion! kind! name! uid! controller:*bool blockOwnerDeletion:*bool"),
    (
        "ManagedFieldsEntry",
        "manager operation apiVersion time:*time fieldsType fieldsV1:*any subresource",
    ),
    ("VolumeResourceRequirements", "limits:{}quantity requests:{}quantity"),
    ("TypedLocalObjectReference", "apiGroup!:*string kind! name!"),
    ("TypedObjectReference", "apiGroup!:*string kind! name! namespace:*string"),
    ("NodeSelectorRequirement", "key! operator! values:[]string"),
];

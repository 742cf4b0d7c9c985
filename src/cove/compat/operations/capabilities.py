"""Operations of capabilities that are still to be built. One that is built moves to a module of its own."""

from cove.compat.operations.registry import Operation, lacking

_CONTEXTS = "contexts"
_BROWSER = "browser"
_NETWORKS = "networks"
_SKILLS = "skills"

NOT_BUILT: tuple[Operation, ...] = (
    lacking(_CONTEXTS, "GetContext", "GET /sdk/GetContext", methods="context.get, context.create"),
    lacking(_CONTEXTS, "ListContexts", "GET /sdk/ListContexts", methods="context.list"),
    lacking(_CONTEXTS, "ModifyContext", "POST /sdk/ModifyContext", methods="context.update"),
    lacking(_CONTEXTS, "DeleteContext", "POST /sdk/DeleteContext", methods="context.delete"),
    lacking(_CONTEXTS, "ClearContext", "POST /sdk/ClearContext", methods="context.clear"),
    lacking(_CONTEXTS, "GetContextInfo", "GET /sdk/GetContextInfo", methods="session.context.info"),
    lacking(_CONTEXTS, "SyncContext", "POST /sdk/SyncContext", methods="session.context.sync"),
    lacking(_CONTEXTS, "BindContexts", methods="session.context.bind"),
    lacking(_CONTEXTS, "DescribeSessionContexts", methods="session.context.list_bindings"),
    lacking(
        _CONTEXTS,
        "GetAndLoadInternalContext",
        "POST /sdk/GetAndLoadInternalContext",
        methods="file_system.upload_file, file_system.download_file",
    ),
    lacking(_CONTEXTS, "DescribeContextFiles", "POST /sdk/DescribeContextFiles", methods="context.list_files"),
    lacking(
        _CONTEXTS,
        "GetContextFileUploadUrl",
        "POST /sdk/GetContextFileUploadUrl",
        methods="context.get_file_upload_url",
    ),
    lacking(
        _CONTEXTS,
        "GetContextFileDownloadUrl",
        "POST /sdk/GetContextFileDownloadUrl",
        methods="context.get_file_download_url",
    ),
    lacking(_CONTEXTS, "DeleteContextFile", "POST /sdk/DeleteContextFile", methods="context.delete_file"),
    lacking(_BROWSER, "InitBrowser", "POST /browser/init", methods="session.browser.initialize"),
    lacking(_BROWSER, "GetCdpLink", "POST /internet/getCdpLink", methods="session.browser.get_endpoint_url"),
    lacking("mobile", "GetAdbLink", methods="session.mobile.get_adb_url"),
    lacking(_NETWORKS, "CreateNetwork", methods="beta_network.get_network_bind_token"),
    lacking(_NETWORKS, "DescribeNetwork", methods="beta_network.describe"),
    lacking(_SKILLS, "GetSkillMetaData", methods="beta_skills.get_metadata"),
    lacking(_SKILLS, "ListSkillMetaData", methods="beta_skills.get_metadata(skill_ids=…)"),
    lacking(_SKILLS, "BindContextSkillAsync", methods="beta_skills.bind_context"),
    lacking(_SKILLS, "UnbindContextSkillAsync", methods="beta_skills.unbind_context"),
)

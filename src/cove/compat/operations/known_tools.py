"""Tools that the clouds' clients know and this version has not: the capability of each, for a refusal that helps."""

_NOT_BUILT: dict[str, tuple[str, ...]] = {
    "code": ("run_code",),
    "desktop": (
        *("click_mouse", "move_mouse", "drag_mouse", "scroll", "get_cursor_position"),
        *("input_text", "press_keys", "release_keys", "get_screen_size", "system_screenshot", "screenshot"),
        *("list_root_windows", "get_active_window", "activate_window", "close_window", "maximize_window"),
        *("minimize_window", "restore_window", "fullscreen_window", "resize_window", "focus_mode"),
        *("get_installed_apps", "start_app", "list_visible_apps"),
        *("stop_app_by_pname", "stop_app_by_pid", "stop_app_by_cmd"),
    ),
    "mobile": (*("tap", "swipe", "send_key", "get_clickable_ui_elements", "get_all_ui_elements", "long_screenshot"),),
    "browser": (
        *("stopChrome", "notify", "page_use_navigate", "page_use_screenshot", "page_use_close_session"),
        *("page_use_act_async", "page_use_get_act_result", "page_use_observe", "page_use_observe_async"),
        *("page_use_get_observe_result", "page_use_extract_async", "page_use_get_extract_result", "page_use_login"),
    ),
    "agents": (
        *(
            f"{prefix}{name}"
            for prefix in ("flux_", "browser_use_", "")
            for name in ("execute_task", "get_task_status")
        ),
        *(f"{prefix}terminate_task" for prefix in ("flux_", "browser_use_", "")),
    ),
    "object storage": ("oss_env_init", "oss_upload", "oss_upload_annon", "oss_download", "oss_download_annon"),
}
LACKING: dict[str, str] = {tool: capability for capability, tools in _NOT_BUILT.items() for tool in tools}
"""The capability that each tool waits for. A tool that is built leaves this table."""

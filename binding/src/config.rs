//! Python options to `ServerConfig` and back, field by field under the same names.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use wirespan_core::config::ServerConfig;

use crate::tables::level_of;

/// All fields with their values.
pub(crate) fn to_dict<'py>(py: Python<'py>, config: &ServerConfig) -> PyResult<Bound<'py, PyDict>> {
    let all = PyDict::new(py);
    all.set_item("limit_head_bytes", config.limit_head_bytes)?;
    all.set_item("limit_target_bytes", config.limit_target_bytes)?;
    all.set_item("limit_header_count", config.limit_header_count)?;
    all.set_item("limit_body_bytes", config.limit_body_bytes)?;
    all.set_item("limit_trailer_bytes", config.limit_trailer_bytes)?;
    all.set_item("limit_body_buffer_bytes", config.limit_body_buffer_bytes)?;
    all.set_item("limit_write_buffer_bytes", config.limit_write_buffer_bytes)?;
    all.set_item("limit_connections", config.limit_connections)?;
    all.set_item("timeout_header_s", config.timeout_header_s)?;
    all.set_item("timeout_body_s", config.timeout_body_s)?;
    all.set_item("timeout_write_s", config.timeout_write_s)?;
    all.set_item("timeout_idle_s", config.timeout_idle_s)?;
    all.set_item("timeout_handler_s", config.timeout_handler_s)?;
    all.set_item("date_header", config.date_header)?;
    all.set_item("server_header", &config.server_header)?;
    all.set_item("trusted_proxies", &config.trusted_proxies)?;
    all.set_item("proxy_headers", &config.proxy_headers)?;
    all.set_item("backlog", config.backlog)?;
    all.set_item("trace_level", config.trace_level as u8)?;
    Ok(all)
}

/// Reads what is given; the rest keeps its default.
pub(crate) fn from_dict(given: &Bound<'_, PyDict>) -> PyResult<ServerConfig> {
    let mut config = ServerConfig::default();
    for (key, value) in given {
        let key: String = key.extract()?;
        set(&mut config, &key, &value)?;
    }
    Ok(config)
}

fn set(config: &mut ServerConfig, key: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    match key {
        "limit_head_bytes" => config.limit_head_bytes = value.extract()?,
        "limit_target_bytes" => config.limit_target_bytes = value.extract()?,
        "limit_header_count" => config.limit_header_count = value.extract()?,
        "limit_body_bytes" => config.limit_body_bytes = value.extract()?,
        "limit_trailer_bytes" => config.limit_trailer_bytes = value.extract()?,
        "limit_body_buffer_bytes" => config.limit_body_buffer_bytes = value.extract()?,
        "limit_write_buffer_bytes" => config.limit_write_buffer_bytes = value.extract()?,
        "limit_connections" => config.limit_connections = value.extract()?,
        "timeout_header_s" => config.timeout_header_s = value.extract()?,
        "timeout_body_s" => config.timeout_body_s = value.extract()?,
        "timeout_write_s" => config.timeout_write_s = value.extract()?,
        "timeout_idle_s" => config.timeout_idle_s = value.extract()?,
        "timeout_handler_s" => config.timeout_handler_s = value.extract()?,
        "date_header" => config.date_header = value.extract()?,
        "server_header" => config.server_header = value.extract()?,
        "trusted_proxies" => config.trusted_proxies = value.extract()?,
        "proxy_headers" => config.proxy_headers = value.extract()?,
        "backlog" => config.backlog = value.extract()?,
        "trace_level" => config.trace_level = level_of(value.extract()?)?,
        _ => return Err(PyValueError::new_err(format!("no option is called {key:?}"))),
    }
    Ok(())
}

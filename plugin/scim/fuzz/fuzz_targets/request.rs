#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| nameplate_scim_fuzz::request::check(data));

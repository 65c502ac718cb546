//! Display filters: any text is an expression or a fault that is somewhere in
//! it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sip_inspect::filter::Filter;

fuzz_target!(|text: &str| {
    if let Err(error) = Filter::parse(text) {
        assert!(error.position <= text.chars().count(), "{error:?}");
        assert!(!error.message.is_empty());
    }
});

//! Scopes: strict reading round-trips, lenient reading never fails and always ends in a valid scope.

#![no_main]

use bursar_core::oauth::scope::Scope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let granted = Scope::from_answer(text);
    assert_eq!(Scope::parse(&granted.to_string()).as_ref(), Ok(&granted));
    for separator in [' ', ',', '+', ';'] {
        let Ok(scope) = Scope::parse_separated(text, separator) else { continue };
        assert_eq!(Scope::parse_separated(&scope.joined(separator), separator).as_ref(), Ok(&scope));
        let distinct: std::collections::BTreeSet<&str> = scope.iter().collect();
        assert_eq!(distinct.len(), scope.iter().count());
        assert!(scope.iter().all(|token| scope.contains(token) && !token.contains([' ', '"', '\\', '\n'])));
        assert!(scope.is_subset_of(&scope) && scope.only(|_| false).is_empty());
    }
    if let Ok(scope) = Scope::parse(text) {
        let written = serde_json::to_string(&scope).expect("a scope has a JSON form");
        assert_eq!(serde_json::from_str::<Scope>(&written).ok(), Some(scope));
    }
});

//! The reference keeps its own contract.

use nameplate_store::contract_suite;
use nameplate_store::memory::MemoryStore;

contract_suite!((MemoryStore::new(), ()));

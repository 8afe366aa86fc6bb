use nameplate_store::memory::MemoryStore;

use super::text::{LogPath, LogText};
use super::*;
use crate::clock::Sources;
use crate::setup;

struct World {
    log: Arc<RequestLog>,
    store: MemoryStore,
    tenant: TenantId,
    now: Timestamp,
}

async fn world() -> World {
    let (store, sources) = (MemoryStore::new(), Sources::default());
    let tenant = setup::add_tenant(&store, &sources, "acme").await.unwrap();
    let control: Arc<dyn ControlStore> = Arc::new(store.clone());
    let auth = Authenticator::new(control.clone(), sources.clock.clone());
    let now = sources.clock.now();
    let log = RequestLog::new(
        control,
        Arc::new(auth),
        sources.clock,
        Keep::default(),
        Counter::default(),
    );
    World {
        log,
        store,
        tenant: tenant.id,
        now,
    }
}

impl World {
    fn line(&self, status: u16) -> LogLine {
        LogLine {
            status,
            from_idp: true,
            ..LogLine::of(self.tenant, self.now)
        }
    }

    async fn read(&self) -> Vec<RequestEntry> {
        let newest = RequestQuery::newest(1000);
        self.log.read(self.tenant, &newest).await.unwrap()
    }

    /// What the store has by now, without a reader that hurries it.
    async fn written(&self) -> usize {
        let newest = RequestQuery::newest(1000);
        self.store
            .requests(self.tenant, &newest)
            .await
            .unwrap()
            .len()
    }
}

#[tokio::test]
async fn a_read_sees_every_line_added_before_it() {
    let world = world().await;
    world.log.add(world.line(200));
    world.log.add(world.line(404));
    let statuses: Vec<u16> = world.read().await.iter().map(|line| line.status).collect();
    assert_eq!(statuses, [404, 200]);
    let last = world.log.last_idp_request(world.tenant).await.unwrap();
    assert_eq!(last.unwrap().status, 404);
}

#[tokio::test(start_paused = true)]
async fn lines_are_written_a_moment_later_without_a_reader() {
    let world = world().await;
    world.log.add(world.line(200));
    assert_eq!(world.written().await, 0);
    tokio::time::sleep(DELAY * 2).await;
    assert_eq!(world.written().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_is_written_without_waiting() {
    let world = world().await;
    for _ in 0..BATCH {
        world.log.add(world.line(200));
    }
    tokio::time::sleep(DELAY / 10).await;
    assert_eq!(world.written().await, BATCH);
}

#[tokio::test]
async fn a_line_meets_the_limits_of_the_store() {
    let world = world().await;
    let long = LogText::new(&"é ".repeat(2000), 8000);
    let remark = LogRemark::of(NoteLevel::Quirk, &"é ".repeat(200), &"é ".repeat(2000));
    world.log.add(LogLine {
        request_id: long.clone(),
        method: long.clone(),
        path: LogPath::new(&"/é".repeat(1000)),
        detail: long.clone(),
        remarks: vec![remark; 100],
        caller: LogCaller::subject(&"é ".repeat(400)),
        user_agent: long,
        ..world.line(400)
    });
    let lines = world.read().await;
    let line = lines.first().unwrap();
    assert_eq!(line.detail.chars().count(), 255);
    assert_eq!(line.notes.len(), 64);
}

#[tokio::test(start_paused = true)]
async fn strangers_get_a_line_each_and_then_a_count() {
    let world = world().await;
    for _ in 0..200 {
        world.log.add(world.line(401));
    }
    world.log.add(world.line(200));
    assert_eq!(
        world.read().await.len(),
        61,
        "60 and what was no stranger's"
    );
    tokio::time::sleep(Duration::from_secs(61)).await;
    let lines = world.read().await;
    assert_eq!(lines.len(), 62);
    let told = lines.first().unwrap().notes.first().unwrap();
    assert!(told.text.starts_with("140 more"), "{}", told.text);
    world.log.add(world.line(401));
    assert_eq!(world.read().await.len(), 63, "a new minute has room again");
}

#[tokio::test]
async fn lines_grow_old() {
    let world = world().await;
    let month = 31 * 24 * 3600 * 1000;
    world.log.add(LogLine {
        at: world.now - month,
        ..world.line(200)
    });
    world.log.add(world.line(404));
    let statuses: Vec<u16> = world.read().await.iter().map(|line| line.status).collect();
    assert_eq!(statuses, [404]);
}

#[tokio::test]
async fn lines_of_a_quiet_tenant_grow_old_too() {
    let world = world().await;
    let all = Retention {
        lines: 100,
        since: 0,
    };
    let old = RequestEntry::of(world.tenant, 1);
    world.store.log_requests(vec![old], &all).await.unwrap();
    assert_eq!(world.written().await, 1);
    for _ in 0..3 {
        world.log.age().await.unwrap();
    }
    assert_eq!(world.written().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_waits_for_the_next_line() {
    let world = world().await;
    let query = RequestQuery {
        after: Some(0),
        ..RequestQuery::newest(10)
    };
    let wait = |seconds| {
        let (log, tenant, query) = (world.log.clone(), world.tenant, query.clone());
        async move {
            log.wait(tenant, &query, Duration::from_secs(seconds))
                .await
                .unwrap()
        }
    };
    assert_eq!(wait(5).await, Ok(Vec::new()), "nothing came");
    let waiting = tokio::spawn(wait(600));
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.log.add(world.line(200));
    assert_eq!(waiting.await.unwrap().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn readers_of_a_tenant_are_bounded_and_make_room_when_they_go() {
    let world = world().await;
    let query = RequestQuery {
        after: Some(0),
        ..RequestQuery::newest(10)
    };
    let mut waiting = Vec::new();
    for _ in 0..WAITERS {
        let (log, tenant, query) = (world.log.clone(), world.tenant, query.clone());
        waiting.push(tokio::spawn(async move {
            log.wait(tenant, &query, Duration::from_secs(60))
                .await
                .unwrap()
        }));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let more = || world.log.wait(world.tenant, &query, Duration::ZERO);
    assert_eq!(more().await.unwrap(), Err(Crowd));
    for one in waiting {
        one.abort();
        let _ = one.await;
    }
    assert_eq!(more().await.unwrap(), Ok(Vec::new()));
}

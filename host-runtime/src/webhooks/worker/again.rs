//! Dead letters that are to be sent again.

use nameplate_store::Webhook;

use super::Worker;
use crate::events::EventsError;
use crate::webhooks::post::Answer;

impl Worker {
    /// Tries dead letters that are to be sent again, those without an attempt, once.
    pub(super) async fn revived(&mut self, row: &Webhook) -> Result<(), EventsError> {
        let mut after = 0;
        // Where the receiver is away there is no use in asking for each.
        let mut away: Option<String> = None;
        loop {
            let limit = nameplate_store::limits::PAGE;
            let letters = self
                .store()
                .dead_letters(self.tenant, &self.id, after, limit)
                .await?;
            let Some(last) = letters.last() else {
                return Ok(());
            };
            after = last.seq;
            for dead in letters.into_iter().filter(|letter| letter.attempts == 0) {
                let failed = match &away {
                    Some(why) => Some(why.clone()),
                    None => match self.again(row, dead.seq).await? {
                        Ok(()) => None,
                        Err(why) => Some(away.insert(why).clone()),
                    },
                };
                match failed {
                    Some(why) => self.bury(dead.seq, 1, &why).await?,
                    None => {
                        let seqs = [dead.seq];
                        self.store()
                            .remove_dead_letters(self.tenant, &self.id, &seqs)
                            .await?;
                    }
                }
            }
        }
    }

    /// Sends one event out of turn; the inner error says why it did not arrive.
    async fn again(&mut self, row: &Webhook, seq: u64) -> Result<Result<(), String>, EventsError> {
        let event = match self.runtime.event(self.tenant, seq).await {
            Ok(event) => event,
            Err(EventsError::Forgotten { .. } | EventsError::Unknown(_)) => {
                return Ok(Err("the event is no longer kept".to_owned()));
            }
            Err(error) => return Err(error),
        };
        for (_, letter) in self.letters(row, std::slice::from_ref(&event)).await? {
            match self.send(row, &letter, 0).await? {
                Some(Answer::Taken) => {}
                Some(Answer::Gone) => return Ok(Err("answered 410".to_owned())),
                Some(Answer::Failed { why, .. }) => return Ok(Err(why)),
                None => return Ok(Err("another server took over".to_owned())),
            }
        }
        Ok(Ok(()))
    }
}

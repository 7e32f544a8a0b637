//! What a site says of its queues, applied after classification: an address of a queue decides, whatever the mail says,
//! and what is not clear enough goes where the site wants it.

use crate::{
    config::Config,
    model::{
        message::Message,
        ticket::{Classified, Queue},
    },
};

/// Puts a classified message where the site's own rules say, with the reason.
pub fn apply(config: &Config, message: &Message, classified: Classified) -> Classified {
    if let Some((queue, address)) = addressed(config, message) {
        let mut reasons = vec![format!("sent to {address}")];
        reasons.extend(classified.reasons);
        return Classified { queue, best: queue, confidence: 1.0, reasons, ..classified };
    }
    if classified.queue == Queue::Triage {
        return Classified { queue: config.classify.unclear, ..classified };
    }
    classified
}

/// The queue whose address the message was sent to; the first one that it names if there are several.
fn addressed<'a>(config: &Config, message: &'a Message) -> Option<(Queue, &'a str)> {
    message.to.iter().chain(&message.cc).find_map(|sent_to| {
        let of = config
            .queue
            .iter()
            .find(|rules| rules.addresses.iter().any(|address| address.eq_ignore_ascii_case(&sent_to.email)));
        of.map(|rules| (rules.name, sent_to.email.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::QueueRules, model::ticket::Priority};

    #[test]
    fn an_address_decides_and_the_unclear_goes_where_the_site_wants() {
        let returns = QueueRules {
            name: Queue::Returns,
            addresses: vec!["Returns@ours.example".into()],
            ..QueueRules::default()
        };
        let mut config = Config { queue: vec![returns], ..Config::default() };
        config.classify.unclear = Queue::Other;
        for (to, queue, expected, reason) in [
            ("sales@ours.example", Queue::Orders, Queue::Orders, "words"),
            ("sales@ours.example", Queue::Triage, Queue::Other, "words"),
            (
                "a@b.example, returns@OURS.example",
                Queue::Orders,
                Queue::Returns,
                "sent to returns@ours.example",
            ),
        ] {
            let message = crate::message::parse(format!("To: {to}\r\n\r\nx").as_bytes());
            let reasons = vec!["words".to_owned()];
            let classified =
                Classified { queue, best: queue, confidence: 0.4, priority: Priority::Normal, reasons };
            let put = apply(&config, &message, classified);
            assert_eq!((put.queue, put.reasons[0].as_str()), (expected, reason), "{to}");
        }
    }
}

const TAX: f64 = 0.19;

pub trait Priced {
    fn price(&self) -> u32;
}

pub enum State {
    Open,
}

pub struct Cart<T> {
    limit: T,
}

impl<T> Cart<T> {
    pub fn total(&self, items: &[u32]) -> u32 {
        items.len() as u32
    }
}

macro_rules! cart {
    () => {};
}

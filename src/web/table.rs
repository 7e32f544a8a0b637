//! The table of routes: an address cannot be added without saying who may ask it.

use super::{
    Desk,
    rights::{Guard, Right, Scope},
    session,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    handler::Handler,
    http::Method,
    middleware::{self, Next},
    routing::{MethodFilter, on},
};
use std::sync::Arc;

/// One route and what stands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Of the request.
    pub method: Method,
    /// Address with `{placeholders}`.
    pub path: &'static str,
    /// What stands before it.
    pub guard: Guard,
}

/// Routes, each behind its guard.
#[derive(Debug, Default)]
pub(super) struct Table {
    router: Router<Arc<Desk>>,
    routes: Vec<Route>,
}

impl Table {
    fn at<H, T>(mut self, guard: Guard, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Desk>>,
        T: 'static,
    {
        let filter = if method == Method::GET { MethodFilter::GET } else { MethodFilter::POST };
        let gate = move |request: Request, next: Next| session::gate(guard, request, next);
        let mut route = on(filter, handler).route_layer(middleware::from_fn(gate));
        if guard != Guard::Open {
            // the gate has limits of its own, by what is sent
            route = route.route_layer(DefaultBodyLimit::max(session::UPLOAD_BYTES_MAX));
        }
        self.router = self.router.route(path, route);
        self.routes.push(Route { method, path, guard });
        self
    }

    /// A page that anybody may see.
    pub(super) fn open<H, T>(self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Desk>>,
        T: 'static,
    {
        self.at(Guard::Open, method, path, handler)
    }

    /// A page for people with that right.
    pub(super) fn get<H, T>(self, right: Right, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Desk>>,
        T: 'static,
    {
        self.at(Guard::Session(right), Method::GET, path, handler)
    }

    /// A form for people with that right.
    pub(super) fn post<H, T>(self, right: Right, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Desk>>,
        T: 'static,
    {
        self.at(Guard::Session(right), Method::POST, path, handler)
    }

    /// A call of the JSON API with a token of that scope, of somebody with that right.
    pub(super) fn api<H, T>(
        self,
        scope: Scope,
        right: Right,
        method: Method,
        path: &'static str,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Arc<Desk>>,
        T: 'static,
    {
        self.at(Guard::Token(scope, right), method, path, handler)
    }

    /// More of them.
    pub(super) fn group(self, add: impl FnOnce(Self) -> Self) -> Self {
        add(self)
    }

    /// The router, and what stands before each of its routes.
    pub(super) fn finish(self) -> (Router<Arc<Desk>>, Vec<Route>) {
        (self.router, self.routes)
    }
}

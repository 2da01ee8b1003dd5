import { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express, type RequestHandler } from 'express';

class AppRequest extends IncomingMessage {}
class AppResponse extends ServerResponse {}
Object.setPrototypeOf(AppRequest.prototype, express.request);
Object.setPrototypeOf(AppResponse.prototype, express.response);

/** For `createServer`: requests and responses with the prototypes that Express expects. */
export const MESSAGE_CLASSES = { IncomingMessage: AppRequest, ServerResponse: AppResponse };

/**
 * Express changes the prototype of each request and response that is not its own, and V8 then makes a
 * hidden class for every one of them: half of what a request allocates, and most of what survives to
 * the old generation. These classes have Express's prototypes from the start. A server may serve one
 * app after another, so all apps share the classes, and the first middleware sets the app.
 */
export const useMessageClasses = (app: Express): RequestHandler => {
  app.request = AppRequest.prototype as unknown as Express['request'];
  app.response = AppResponse.prototype as unknown as Express['response'];
  return (req, res, next) => {
    req.app = app;
    res.app = app;
    next();
  };
};

import { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express, type RequestHandler } from 'express';

class AppRequest extends IncomingMessage {}
class AppResponse extends ServerResponse {}
Object.setPrototypeOf(AppRequest.prototype, express.request);
Object.setPrototypeOf(AppResponse.prototype, express.response);

/** For `createServer`: requests and responses that are born as Express wants them. */
export const MESSAGE_CLASSES = { IncomingMessage: AppRequest, ServerResponse: AppResponse };

/**
 * Express changes the prototype of each request and response that is not its own, and V8 then makes a
 * hidden class for every single one: half of what a request allocates, and most of what becomes old
 * before it is collected. Ours have Express's prototypes from the beginning. A server may serve one app
 * after another, so all apps share these classes, and the first middleware says which app it is.
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

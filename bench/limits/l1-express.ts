import express, { type NextFunction, type Request, type Response } from 'express';
import { body, validationResult } from 'express-validator';

/**
 * The ceiling for a command API on this stack: reads, validates and answers 201 with a body like
 * ours, but keeps nothing.
 */
const app = express();
app.disable('x-powered-by');
app.use(express.json({ limit: '16kb' }));

const animeId = body('anime_id').isInt({ min: 1, max: 2 ** 31 - 1 });
const userId = body('user_id').isString().isLength({ min: 1, max: 128 });

const checked = (request: Request, response: Response, next: NextFunction): void => {
  const errors = validationResult(request);
  if (errors.isEmpty()) next();
  else response.status(422).json({ detail: 'The body does not validate.', errors: errors.array() });
};

const accept = (_: Request, response: Response): void => {
  response.status(201).json({ status: 'ok', message: 'Recorded.' });
};

app.post('/click', animeId, userId, checked, accept);
app.post('/view', animeId, userId, body('duration_seconds').isInt({ min: 0 }), checked, accept);
app.post('/rating', animeId, userId, body('rating').isFloat({ min: 1, max: 10 }), checked, accept);

const server = app.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify(server.address()));
});
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
